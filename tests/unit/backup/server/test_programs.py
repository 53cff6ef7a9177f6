"""Clients are told apart by what they say of themselves, and a missing one by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.backup.server.facts import parse_version
from vawsum_agent.backup.server.programs import find_dump, find_shell, parse_told
from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("told", "flavour", "number"),
    [
        ("mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)", "mariadb", (10, 11, 19)),
        ("mariadb-dump from 11.4.2-MariaDB, client 10.19 for Linux (x86_64)", "mariadb", (11, 4, 2)),
        ("mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)", "mysql", (5, 7, 44)),
        ("mysqldump  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))", "mysql", (8, 0, 36)),
    ],
)
def test_versions(told: str, flavour: str, number: tuple[int, int, int]) -> None:
    """Flavour and version are those of the product, not of the program, wherever it is installed."""
    program = parse_told("/opt/mariadb/bin/mysqldump", told)
    assert (program.flavour, program.number) == (flavour, number)


def test_other_program() -> None:
    """What says nothing of the kind is refused."""
    with pytest.raises(AgentError, match="says hello"):
        parse_told("/usr/bin/mysqldump", "hello\n")


def _client(folder: Path, name: str, told: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)


def test_own_flavour_is_preferred(tmp_path: Path) -> None:
    """Of two clients the server's own is taken; with one, that; with none it says what to install."""
    with pytest.raises(AgentError, match="neither mysqldump nor mariadb-dump is installed") as caught:
        find_dump("mysql", str(tmp_path))
    assert "mysql-client" in caught.value.hint
    _client(tmp_path, "mysqldump", "mysqldump  Ver 10.19 Distrib 10.11.19-MariaDB, for Linux")
    assert find_dump("mysql", str(tmp_path)).flavour == "mariadb"
    _client(tmp_path, "mysqldump", "mysqldump  Ver 8.0.36 for Linux")
    _client(tmp_path, "mariadb-dump", "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for Linux")
    assert find_dump("mysql", str(tmp_path)).label == "mysqldump 8.0.36"
    assert find_dump("mariadb", str(tmp_path)).label == "mariadb-dump 10.11.19"
    with pytest.raises(AgentError, match="neither mariadb nor mysql"):
        find_shell("mariadb", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.11.19-MariaDB-0+deb12u1-log", ("mariadb", (10, 11, 19))),
        ("5.5.5-10.3.39-MariaDB", ("mariadb", (10, 3, 39))),
        ("8.0.36-0ubuntu0.22.04.1", ("mysql", (8, 0, 36))),
        ("8.4", ("mysql", (8, 4, 0))),
    ],
)
def test_server_versions(text: str, expected: object) -> None:
    """What servers say of themselves is understood."""
    assert parse_version(text) == expected
