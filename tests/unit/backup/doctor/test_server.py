"""What a server's facts mean for its backups; asked of a real one elsewhere."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from vawsum_agent.backup.doctor.server import contents, of_program
from vawsum_agent.backup.manifest import Database
from vawsum_agent.backup.server.facts import Server, Table
from vawsum_agent.backup.server.programs import Program
from vawsum_agent.core.finding import Severity

SERVER = Server(
    flavour="mariadb",
    version="10.11.6-MariaDB",
    number=(10, 11, 6),
    is_binlog_on=True,
    net_write_timeout_s=60,
    databases=[Database(name="school")],
    tables=[],
)


def old(name: str) -> Table:
    """A table of an old engine."""
    return Table(database="school", name=name, engine="MyISAM", is_in_snapshot=False, data_bytes=0)


@pytest.mark.parametrize(
    ("program", "severity", "said"),
    [
        (Program("/usr/bin/mariadb-dump", "mariadb", (10, 11, 2), ""), Severity.OK, "mariadb-dump 10.11.2 fits"),
        (Program("/usr/bin/mariadb-dump", "mariadb", (11, 4, 2), ""), Severity.OK, "fits the server"),
        (Program("/usr/bin/mysqldump", "mysql", (8, 0, 36), ""), Severity.WARNING, "one of MySQL, and the server is"),
        (
            Program("/usr/bin/mariadb-dump", "mariadb", (10, 5, 29), ""),
            Severity.WARNING,
            "older than the server, 10.11",
        ),
    ],
)
def test_programs(program: Program, severity: Severity, said: str) -> None:
    """One of the other product, or an older one, may not dump all there is; a newer one does."""
    found = of_program(program, SERVER)
    assert (found.severity, said in found.what, found.where) == (severity, True, program.path)
    assert bool(found.remedy) == (severity is not Severity.OK)


def test_all_well() -> None:
    """Nothing is said."""
    assert list(contents(SERVER, "here")) == []


def test_many_tables_outside_of_the_snapshot() -> None:
    """The first few are named, the rest counted."""
    (found,) = contents(replace(SERVER, tables=[old(f"t{number}") for number in range(9)]), "here")
    assert found.what.startswith(
        "9 tables of engines without transactions: school.t0, school.t1, school.t2, school.t3, school.t4 and 4 more; "
    )


def test_without_a_binary_log() -> None:
    """Is said, and no warning."""
    (found,) = contents(replace(SERVER, is_binlog_on=False), "here")
    assert found.severity is Severity.OK
    assert "no binary log" in found.what
