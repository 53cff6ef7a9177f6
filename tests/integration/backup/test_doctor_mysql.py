"""Doctor on a real MariaDB: what would keep it from being dumped is found before midnight, and has a remedy."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from vawsum_agent.backup.doctor import access, checks
from vawsum_agent.config.model import BackupConfig
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHOOL = """
CREATE DATABASE school;
CREATE TABLE school.pupils (id INT PRIMARY KEY);
CREATE VIEW school.named AS SELECT id FROM school.pupils;
CREATE USER 'backup'@'localhost' IDENTIFIED BY 'secret';
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """With one database, and an account that may nothing."""
    with MariaDb(tmp_path_factory.mktemp("m"), options=["log_bin = binlog"]) as running:
        running.execute(SCHOOL)
        yield running


@pytest.fixture
def file(server: MariaDb, tmp_path: Path) -> Path:
    """An option file of the account."""
    path = tmp_path / "mysql.cnf"
    path.touch(mode=0o600)
    path.write_text(f"[client]\nuser = backup\npassword = secret\nsocket = {server.socket}\n")
    return path


@pytest.fixture(autouse=True)
def as_before(server: MariaDb) -> Iterator[None]:
    """Take what a test granted."""
    yield
    server.execute("DROP USER 'backup'@'localhost'; CREATE USER 'backup'@'localhost' IDENTIFIED BY 'secret'")


def found(file: Path, tmp_path: Path, databases: tuple[str, ...] = ()) -> list[Finding]:
    """All that is told of the host and the server."""
    backup = BackupConfig(bucket="b", defaults_file=str(file), databases=list(databases))
    return list(checks(backup, str(tmp_path)))


def bad(findings: list[Finding]) -> list[Finding]:
    """What is not well; all of it has a remedy."""
    told = [finding for finding in findings if finding.severity is not Severity.OK]
    assert all(finding.remedy for finding in told)
    return told


def test_the_remedies_are_grants_that_work(server: MariaDb, file: Path, tmp_path: Path) -> None:
    """An account that may see a database and no more: what doctor prints, pasted, ends all that it found.

    With that and nothing else it can dump.
    """
    server.execute("GRANT SELECT ON school.pupils TO 'backup'@'localhost'")
    missing = bad(found(file, tmp_path))
    assert {finding.severity for finding in missing} == {Severity.PROBLEM}
    assert [finding.what for finding in missing] == [
        "backup@localhost has no SELECT on school, mysql: no backup can be made",
        "backup@localhost has no SHOW VIEW on school: a database with a view can't be dumped",
        "backup@localhost has no TRIGGER on school: triggers are not dumped",
        "backup@localhost has no EVENT on school: events can't be dumped",
        (
            "backup@localhost has no SHOW DATABASES:"
            " a database on which it was granted nothing is in no backup, unless backup.databases lists all"
        ),
    ]
    assert [finding.what for finding in bad(found(file, tmp_path, ("school",)))] == [
        finding.what for finding in missing[:-1]
    ], "who names databases need not see all"
    for finding in missing:
        server.execute(finding.remedy)
    findings = found(file, tmp_path)
    assert bad(findings) == []
    assert "backup@localhost may dump all of it, and accounts" in [finding.what for finding in findings]
    options = ["--single-transaction", "--routines", "--events", "--triggers", "--master-data=2"]
    command = ["mariadb-dump", f"--defaults-file={file}", *options, "--databases", "school"]
    assert subprocess.run(command, capture_output=True, check=True).stdout.rstrip().startswith(b"/*")


def test_broken_view(server: MariaDb, file: Path, tmp_path: Path) -> None:
    """Is named, with the statement that would drop it; one of a database that is not dumped is nobody's business."""
    server.execute("GRANT ALL ON *.* TO 'backup'@'localhost'")
    server.execute(
        "CREATE DATABASE other; CREATE TABLE other.t (a INT); CREATE VIEW other.`v``w` AS SELECT a FROM other.t"
    )
    server.execute("DROP TABLE other.t")
    try:
        (finding,) = bad(found(file, tmp_path))
        assert finding.severity is Severity.PROBLEM
        assert finding.what.startswith("a dump fails at view other.v`w: View 'other.v`w' references invalid table(s)")
        assert finding.remedy == "mend or drop it: DROP VIEW `other`.`v``w`"
        assert bad(found(file, tmp_path, ("school",))) == []
    finally:
        server.execute("DROP DATABASE other")


def test_view_that_calls_a_function(server: MariaDb, file: Path, tmp_path: Path) -> None:
    """The grants that are documented do not do for it: the one that is missing is printed, and works."""
    server.execute("GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO 'backup'@'localhost'")
    server.execute("GRANT RELOAD, BINLOG MONITOR ON *.* TO 'backup'@'localhost'")
    server.execute("CREATE FUNCTION school.twice(n INT) RETURNS INT DETERMINISTIC NO SQL RETURN 2 * n")
    server.execute("CREATE VIEW school.doubled AS SELECT school.twice(id) AS id FROM school.pupils")
    command = ["mariadb-dump", f"--defaults-file={file}", "--single-transaction", "--databases", "school"]
    try:
        assert b"1370" in subprocess.run(command, capture_output=True, check=False).stderr
        (finding,) = bad(found(file, tmp_path))
        assert finding.severity is Severity.PROBLEM
        assert finding.what.startswith("a dump fails at view school.doubled: execute command denied to user ")
        assert finding.remedy == "GRANT EXECUTE ON FUNCTION `school`.`twice` TO 'backup'@'localhost'"
        server.execute(finding.remedy)
        assert bad(found(file, tmp_path)) == []
        assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    finally:
        server.execute("DROP VIEW school.doubled; DROP FUNCTION school.twice")


def test_tables_outside_of_the_snapshot(server: MariaDb, file: Path, tmp_path: Path) -> None:
    """A warning that names them."""
    server.execute("GRANT ALL ON *.* TO 'backup'@'localhost'")
    server.execute("CREATE TABLE school.old (a INT) ENGINE = MyISAM")
    try:
        (finding,) = bad(found(file, tmp_path))
        assert finding.severity is Severity.WARNING
        assert finding.what.startswith("1 table of engines without transactions: school.old; ")
        assert "ALTER TABLE `school`.`old` ENGINE = InnoDB" in finding.remedy
    finally:
        server.execute("DROP TABLE school.old")


def test_database_that_does_not_exist(server: MariaDb, file: Path, tmp_path: Path) -> None:
    """Of those that are configured: no backup could be made."""
    server.execute("GRANT ALL ON *.* TO 'backup'@'localhost'")
    (finding,) = bad(found(file, tmp_path, ("school", "collage")))
    assert finding.severity is Severity.PROBLEM
    assert 'no backup can be made: the server has no database "collage"' in finding.what


def test_wrong_password(server: MariaDb, file: Path, tmp_path: Path) -> None:
    """One finding, without the password."""
    file.write_text(f"[client]\nuser = backup\npassword = hunter2\nsocket = {server.socket}\n")
    findings = found(file, tmp_path)
    (finding,) = bad(findings)
    assert "Access denied" in finding.what
    assert "hunter2" not in repr(findings)


def test_server_that_is_down(file: Path, tmp_path: Path) -> None:
    """Says where it was looked for."""
    file.write_text(f"[client]\nuser = backup\nsocket = {tmp_path}/none.sock\n")
    (finding,) = bad(found(file, tmp_path))
    assert finding.severity is Severity.PROBLEM
    assert "is MySQL running?" in finding.remedy


def test_option_file(file: Path, tmp_path: Path) -> None:
    """One that is open to others, or missing, is told of once; check-config asks the same."""
    file.chmod(0o644)
    (finding,) = bad(found(file, tmp_path))
    assert (finding.severity, finding.remedy) == (Severity.PROBLEM, f"chmod 600 {file}")
    backup = BackupConfig(bucket="b", defaults_file=str(tmp_path / "none"))
    (finding,) = access(backup, str(tmp_path))
    assert "does not exist" in finding.what


def test_option_file_of_root(server: MariaDb, file: Path, tmp_path: Path) -> None:
    """The daemon reads past file modes, the programs that dump do not: the file has to be its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    server.execute("GRANT ALL ON *.* TO 'backup'@'localhost'")
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 65534, -1)
    findings = list(checks(BackupConfig(bucket="b", defaults_file=str(file)), str(state)))
    (finding,) = bad(findings)
    assert (finding.severity, finding.where) == (Severity.PROBLEM, str(file))
    assert finding.remedy == f"chown nobody {file}"
    os.chown(file, 1, -1)
    (finding,) = bad(list(checks(BackupConfig(bucket="b", defaults_file=str(file)), str(state))))
    assert finding.severity is Severity.WARNING
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
