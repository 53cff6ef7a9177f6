"""Finds the client programs that dump and restore, and what they are: MariaDB's and MySQL's take different options."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from vawsum_agent.backup.server.facts import Flavour

_DUMP: dict[Flavour, tuple[str, ...]] = {
    "mariadb": ("mariadb-dump", "mysqldump"),
    "mysql": ("mysqldump", "mariadb-dump"),
}
_SHELL: dict[Flavour, tuple[str, ...]] = {"mariadb": ("mariadb", "mysql"), "mysql": ("mysql", "mariadb")}
_PACKAGES: dict[Flavour, str] = {
    "mariadb": "mariadb-client (Debian, Ubuntu), mariadb (Amazon Linux) or MariaDB-client (mariadb.org)",
    "mysql": "mysql-client (Ubuntu) or mysql-community-client (mysql.com)",
}
_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """A client program.

    Attributes:
        path: absolute.
        number: of the version of MariaDB or MySQL that it belongs to.
        told: what it says of itself, for people.
    """

    path: str
    flavour: Flavour
    number: tuple[int, int, int]
    told: str

    @property
    def label(self) -> str:
        """Name and version in short, such as ``mariadb-dump 10.11.19``."""
        return f"{self.path.rpartition('/')[2]} {'.'.join(map(str, self.number))}"


def find_dump(flavour: Flavour, search_path: str | None = None) -> Program:
    """Find what dumps a server of a flavour, preferring a client of the same.

    Args:
        flavour: of the server.
        search_path: as in ``PATH``, which is used without.

    Raises:
        AgentError: there is none, or it does not say what it is; the hint says what to install.
    """
    return _find(_DUMP[flavour], flavour, search_path)


def find_shell(flavour: Flavour, search_path: str | None = None) -> Program:
    """Find what runs SQL in a server of a flavour. See `find_dump`."""
    return _find(_SHELL[flavour], flavour, search_path)


def parse_told(path: str, told: str) -> Program:
    """Read what a client says with ``--version``.

    MariaDB's: ``mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for …``, of 11 ``… from 11.4.2-MariaDB, client …``.
    MySQL's: ``mysqldump  Ver 8.0.36 for Linux …``, of 5.7 ``mysqldump  Ver 10.13 Distrib 5.7.44, for …``.

    Raises:
        AgentError: it says nothing of the kind.
    """
    found = re.search(r"(?:Distrib|from|Ver) (\d+)\.(\d+)\.(\d+)", told)
    if found is None:
        message = f"{path} --version says {printable(told.strip())[:200] or 'nothing'}"
        raise AgentError(message, hint="install the client programs of MariaDB or MySQL anew")
    number = int(found[1]), int(found[2]), int(found[3])
    flavour: Flavour = "mariadb" if re.search(r"\d-MariaDB\b", told) else "mysql"
    return Program(path, flavour, number, " ".join(told.split()))


def _find(names: tuple[str, ...], flavour: Flavour, search_path: str | None) -> Program:
    found = [path for name in names if (path := shutil.which(name, path=search_path)) is not None]
    if not found:
        hint = f"install the client programs: package {_PACKAGES[flavour]}"
        raise AgentError(f"neither {names[0]} nor {names[1]} is installed", hint=hint)
    programs = [parse_told(path, _version(path)) for path in found]
    return next((program for program in programs if program.flavour == flavour), programs[0])


def _version(path: str) -> str:
    try:
        # Without option files: it would read its owner's, and fail at what it does not know.
        command = [path, "--no-defaults", "--version"]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise AgentError(f"{path} can't be run: {exc}", hint="install the client programs anew") from exc
    return (done.stdout or done.stderr).decode(errors="replace")
