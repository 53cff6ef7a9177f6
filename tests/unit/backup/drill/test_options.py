"""How a scratch server is started: it can reach nothing of the server that was backed up."""

from __future__ import annotations

from pathlib import Path

import pytest

from vawsum_agent.backup.drill.options import (
    first_statements,
    install_command,
    is_restored,
    key_file,
    option_file,
    server_options,
)
from vawsum_agent.backup.drill.plugins import statements
from vawsum_agent.backup.drill.programs import Flavour, Programs

FOLDER = Path("/var/lib/vawsum-agent/drill/scratch-x")
SOCKET = FOLDER / "server.sock"


def options(flavour: Flavour, *, is_root: bool = False) -> list[str]:
    """How one is started."""
    programs = Programs(flavour, "/usr/sbin/mysqld", "8.0.36", "/usr/bin/mariadb-install-db")
    init_file = FOLDER / "init.sql"
    return server_options(programs, FOLDER, SOCKET, pool_bytes=1 << 30, is_root=is_root, init_file=init_file)


@pytest.mark.parametrize("flavour", ["mariadb", "mysql"])
def test_isolation(flavour: Flavour) -> None:
    """No option file first; no network, no binary log, no replication, no event; every path in its own folder."""
    found = options(flavour)
    assert found[1] == "--no-defaults"
    assert {
        "--skip-networking",
        "--skip-log-bin",
        "--loose-skip-slave-start",
        "--event-scheduler=OFF",
        "--local-infile=OFF",
        "--loose-skip-symbolic-links",
        "--loose-mysqlx=OFF",
        f"--secure-file-priv={FOLDER}/files",
        f"--datadir={FOLDER}/data",
    } <= set(found)
    paths = [option.partition("=")[2] for option in found if "=/" in option]
    assert all(path.startswith(f"{FOLDER}/") for path in paths)


def test_what_production_has() -> None:
    """Rows that a lenient server takes; tables that are encrypted, with any key; passwords of MySQL 5."""
    assert "--loose-innodb-strict-mode=OFF" in options("mariadb")
    assert f"--loose-file-key-management-filename={FOLDER}/keys.txt" in options("mariadb")
    assert "--loose-mysql-native-password=ON" in options("mysql")
    assert not any("file-key-management" in option for option in options("mysql"))
    lines = key_file("ab" * 16).splitlines()
    assert (lines[0], len(lines)) == ("1;" + "ab" * 16, 255)


def test_plugins() -> None:
    """Each product has its own words to load one."""
    assert b"INSTALL SONAME 'auth_ed25519';\n" in statements("mariadb")
    assert b"INSTALL PLUGIN auth_socket SONAME 'auth_socket.so';\n" in statements("mysql")


def test_root_is_named() -> None:
    """Servers refuse root unless it is named; nobody else is."""
    assert "--user=root" in options("mariadb", is_root=True)
    assert not any(option.startswith("--user") for option in options("mariadb"))


def test_system_tables() -> None:
    """MariaDB has a program for them, MySQL's server makes them itself; neither reads an option file."""
    mariadb = Programs("mariadb", "/usr/sbin/mariadbd", "10.11", "/usr/bin/mariadb-install-db")
    mysql = Programs("mysql", "/usr/sbin/mysqld", "8.0.36")
    assert install_command(mariadb, FOLDER, is_root=False)[:2] == ["/usr/bin/mariadb-install-db", "--no-defaults"]
    command = install_command(mysql, FOLDER, is_root=True)
    assert command[:3] == ["/usr/sbin/mysqld", "--no-defaults", "--initialize-insecure"]
    assert "--user=root" in command


def test_the_only_account() -> None:
    """Ours comes first, and every account of the installer goes: the backup brings its own root."""
    statements = first_statements("secret", "web'1").splitlines()
    assert statements[0] == "CREATE USER 'vawsum-drill'@'localhost' IDENTIFIED BY 'secret';"
    assert "DROP USER IF EXISTS 'root'@'localhost';" in statements
    assert "DROP USER IF EXISTS 'root'@'web1';" in statements
    assert all(statement.endswith(";") for statement in statements)
    assert option_file(SOCKET, "secret").splitlines() == [
        "[client]",
        "user = vawsum-drill",
        "password = secret",
        f'socket = "{SOCKET}"',
    ]


def test_restored_accounts() -> None:
    """Ours and the server's own are none of the backup's."""
    assert is_restored("root")
    assert not any(map(is_restored, ("vawsum-drill", "mariadb.sys", "mysql.session")))
