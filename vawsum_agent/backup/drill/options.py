"""How a scratch server is started, and what its first statements are. Pure.

No option file is read: all it knows stands here. It listens on a socket in its own folder and nowhere else, writes no
binary log, is nobody's replica and runs no event. Nothing it holds has to survive, so nothing waits for the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.server.grants import RESERVED

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.backup.drill.programs import Programs

ACCOUNT = "vawsum-drill"
"""Ours alone: the grants of the backup bring their own root, whose password nobody here knows."""

KEYS = "keys.txt"
"""In the folder of the server."""

_MIB = 1 << 20
_LARGEST_KEY_ID = 255
_LOG_BYTES = 256 * _MIB


def server_options(
    programs: Programs, folder: Path, socket: Path, *, pool_bytes: int, is_root: bool, init_file: Path
) -> list[str]:
    """Give the arguments of the server, its program first."""
    options = [
        programs.server,
        "--no-defaults",
        f"--datadir={folder / 'data'}",
        f"--tmpdir={folder / 'tmp'}",
        f"--socket={socket}",
        f"--pid-file={folder / 'server.pid'}",
        f"--log-error={folder / 'error.log'}",
        f"--init-file={init_file}",
        # Files are read and written nowhere else, whatever the statements of the backup say.
        f"--secure-file-priv={folder / 'files'}",
        "--local-infile=OFF",
        "--loose-skip-symbolic-links",  # DATA DIRECTORY may name a folder of the server that was backed up
        "--skip-networking",
        "--skip-name-resolve",
        "--loose-mysqlx=OFF",
        "--loose-feedback=OFF",
        "--skip-log-bin",
        "--loose-skip-slave-start",
        "--loose-skip-replica-start",
        "--event-scheduler=OFF",
        "--performance-schema=OFF",
        f"--innodb-buffer-pool-size={pool_bytes}",
        "--loose-innodb-strict-mode=OFF",  # what the server that was backed up took, which may have been as lenient
        f"--loose-innodb-log-file-size={_LOG_BYTES}",
        f"--loose-innodb-redo-log-capacity={_LOG_BYTES}",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-doublewrite=OFF",
        "--max-allowed-packet=1G",
        "--max-connections=100",
        "--table-open-cache=400",
    ]
    if programs.flavour == "mysql":
        options.remove(f"--loose-innodb-log-file-size={_LOG_BYTES}")  # deprecated, and said so
        options.append("--loose-mysql-native-password=ON")  # 8.4 has it, and does not load it
    else:
        # Tables that are ENCRYPTED can't be created without keys; any will do.
        options += ["--plugin-load-add=file_key_management", f"--loose-file-key-management-filename={folder / KEYS}"]
    return [*options, "--user=root"] if is_root else options


def install_command(programs: Programs, folder: Path, *, is_root: bool) -> list[str]:
    """Give the command that makes the system tables in an empty folder."""
    common = [f"--datadir={folder / 'data'}", f"--tmpdir={folder / 'tmp'}"]
    if is_root:
        common.append("--user=root")
    if programs.flavour == "mysql":
        log = f"--log-error={folder / 'error.log'}"
        return [programs.server, "--no-defaults", "--initialize-insecure", log, *common]
    return [
        programs.installer,
        "--no-defaults",
        "--auth-root-authentication-method=normal",
        "--force",  # or it gives up where this host's own name can't be looked up, which nothing here needs
        "--skip-test-db",
        "--skip-name-resolve",
        *common,
    ]


def first_statements(password: str, hostname: str) -> str:
    """Give what the server runs before it lets anybody in (init_file): our account, and no other.

    Args:
        password: letters and digits.
        hostname: of this host, by which installers name a further root.
    """
    account = f"'{ACCOUNT}'@'localhost'"
    others = [
        f"'{user}'@'{host}'"
        for user in ("root", "mysql", "")
        for host in ("localhost", "127.0.0.1", "::1", hostname.replace("'", "").replace("\\", ""))
    ]
    return "".join(
        f"{statement};\n"
        for statement in (
            f"CREATE USER {account} IDENTIFIED BY '{password}'",
            f"GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION",
            *(f"DROP USER IF EXISTS {other}" for other in others),
        )
    )


def key_file(key: str) -> str:
    """Write what encryption at rest reads: the same key by each number that a table may name.

    Args:
        key: 32 hexadecimal digits.
    """
    return "".join(f"{number};{key}\n" for number in range(1, _LARGEST_KEY_ID + 1))


def option_file(socket: Path, password: str) -> str:
    """Write what clients read to reach the server as our account."""
    return f'[client]\nuser = {ACCOUNT}\npassword = {password}\nsocket = "{socket}"\n'


def is_restored(user: str) -> bool:
    """Whether an account can only have come with the backup."""
    return user not in RESERVED and user != ACCOUNT
