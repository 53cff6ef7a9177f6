"""Which server programs of this host fit a backup. A server is no daemon here, but a program that runs for an hour."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable

Flavour = Literal["mariadb", "mysql"]

_PATH = "/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/local/libexec:/usr/bin:/usr/local/bin:/opt/mysql/bin"
"""Where distributions put servers: often in no user's PATH."""

_VERSION = re.compile(r"Ver ([0-9]+)\.([0-9]+)\.([0-9]+)\S*")
_LIMIT_S = 30.0
_NAMES: dict[Flavour, tuple[str, ...]] = {"mariadb": ("mariadbd", "mysqld"), "mysql": ("mysqld",)}
_INSTALLERS = ("mariadb-install-db", "mysql_install_db")
_ZONES: dict[Flavour, tuple[str, ...]] = {
    "mariadb": ("mariadb-tzinfo-to-sql", "mysql_tzinfo_to_sql"),
    "mysql": ("mysql_tzinfo_to_sql",),
}
_NAMED = {"mariadb": "MariaDB", "mysql": "MySQL"}


@dataclass(frozen=True, slots=True)
class Programs:
    """What a scratch server is made with.

    Attributes:
        server: the path of ``mariadbd`` or ``mysqld``.
        version: as it tells it, such as ``10.11.6-MariaDB``.
        installer: makes the system tables of MariaDB; empty for MySQL, whose server does that itself.
        zones: writes the tables of time zones, for events that name one; empty where it is not installed.
    """

    flavour: Flavour
    server: str
    version: str
    installer: str = ""
    zones: str = ""


def which(name: str) -> str | None:
    """Find a program in the PATH or where servers are installed."""
    return shutil.which(name) or shutil.which(name, path=_PATH)


def ask_version(program: str) -> str:
    """Let a program tell its version. Raises BackupError."""
    try:
        done = subprocess.run(
            [program, "--no-defaults", "--version"], capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        message = f"{program} can't be run: {exc}"
        raise BackupError(message, hint="install it anew, or see whether it may be executed") from exc
    return done.stdout.strip()


def find(
    flavour: Flavour,
    find_program: Callable[[str], str | None] = which,
    ask: Callable[[str], str] = ask_version,
) -> Programs:
    """Find the programs of a flavour.

    Raises:
        BackupError: they are not installed. Trying again does not help.
    """
    for name in _NAMES[flavour]:
        server = find_program(name)
        if server is None:
            continue
        said = ask(server)
        found = _VERSION.search(said)
        if found is None or ("mariadb" in said.lower()) != (flavour == "mariadb"):
            continue  # `mysqld` may be the other's
        installer = next((path for path in map(find_program, _INSTALLERS) if path is not None), "")
        if flavour == "mariadb" and not installer:
            break
        zones = next((path for path in map(find_program, _ZONES[flavour]) if path is not None), "")
        version = found[0].removeprefix("Ver ")
        return Programs(flavour, server, version, installer if flavour == "mariadb" else "", zones)
    missing = "mariadbd and mariadb-install-db are" if flavour == "mariadb" else "mysqld is"
    message = f"the backup is one of {_NAMED[flavour]}, and {missing} not installed here"
    package = "mariadb-server" if flavour == "mariadb" else "mysql-server-core"
    raise BackupError(message, hint=f"install {package} (it need not run), or drill on a host that has it")


def numbers(version: str) -> tuple[int, int]:
    """Read major and minor of a version such as ``10.11.6-MariaDB``; (0, 0) where there are none."""
    found = re.match(r"([0-9]+)\.([0-9]+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)
