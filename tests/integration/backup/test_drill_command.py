"""`backup drill` from end to end: a real server backed up, restored into a scratch server, proven and timed."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import wait_until
from tests.integration.backup.hosts import PREFIX, SERVER, DatabaseHost
from vawsum_agent.backup.drill import place as places
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish import sidecars
from vawsum_agent.backup.publish.sidecars import Drilled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

SCHOOL = """
CREATE DATABASE school CHARACTER SET utf8mb4;
USE school;
CREATE TABLE classes (id INT PRIMARY KEY, name VARCHAR(20));
CREATE TABLE pupils (id INT PRIMARY KEY AUTO_INCREMENT, class INT, name VARCHAR(60) CHARACTER SET utf8mb4,
  photo LONGBLOB, FOREIGN KEY (class) REFERENCES classes (id));
INSERT INTO classes VALUES (1, 'a'), (2, 'b');
INSERT INTO pupils (class, name, photo) SELECT 1 + seq % 2, CONCAT('name ', seq), SHA1(seq) FROM seq_1_to_20000;
CREATE TABLE notes (a INT) ENGINE = MyISAM;
INSERT INTO notes VALUES (1), (2);
CREATE VIEW in_a AS SELECT * FROM pupils WHERE class = 1;
CREATE VIEW on_it AS SELECT COUNT(*) AS n FROM in_a;
CREATE PROCEDURE nothing() SELECT 1;
CREATE FUNCTION one() RETURNS INT DETERMINISTIC RETURN 1;
CREATE TRIGGER first BEFORE INSERT ON pupils FOR EACH ROW SET NEW.class = COALESCE(NEW.class, 1);
CREATE EVENT often ON SCHEDULE EVERY 1 SECOND DO DELETE FROM school.pupils LIMIT 1000;
CREATE USER 'web'@'localhost' IDENTIFIED BY 'secret';
GRANT SELECT ON school.* TO 'web'@'localhost';
CREATE ROLE teachers;
GRANT teachers TO 'web'@'localhost';
GRANT SELECT ON school.classes TO teachers;
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A school's."""
    with MariaDb(tmp_path_factory.mktemp("m"), options=["log_bin = binlog", "slow_query_log = OFF"]) as running:
        running.execute("SET GLOBAL log_bin_trust_function_creators = ON")
        running.execute(SCHOOL)
        yield running


@pytest.fixture
def origin(server: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return server


@pytest.fixture
def host(server: MariaDb, sandbox: Sandbox, tmp_path: Path) -> Iterator[DatabaseHost]:
    """The school's database host."""
    yield DatabaseHost(tmp_path / "host", sandbox, server.option_file, more="[backup.drill]\njobs = 2")
    places.sweep(tmp_path / "host/state/drill")  # of a test that failed


def test_proven(server: MariaDb, host: DatabaseHost) -> None:
    """All that the server holds is restored and counted; the server itself has not noticed."""
    host.backed_up()
    before = server.execute("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_drop_user', 'Com_create_db')")
    ended = host.run("backup", "drill", "--json")
    assert ended.code == 0, ended.error
    told = ended.document
    accounts = int(server.execute("SELECT COUNT(*) FROM mysql.user WHERE User <> 'mariadb.sys'"))
    counts = {name: told[name] for name in ("tables", "rows", "views", "routines", "triggers", "events", "accounts")}
    assert counts == {
        "tables": 3,
        "rows": 20_004,
        "views": 2,
        "routines": 2,
        "triggers": 1,
        "events": 1,
        "accounts": accounts,
    }
    assert (told["is_proven"], told["problems"]) == (True, [])
    assert 0 < told["restore_s"] <= told["total_s"]
    after = server.execute("SHOW GLOBAL STATUS WHERE Variable_name IN ('Com_drop_user', 'Com_create_db')")
    assert after == before
    assert list((host.state_dir / "drill").iterdir()) == []
    outcome = host.journal.outcomes()[-1]
    assert (outcome.kind, outcome.is_ok, round(outcome.restore_s or 0, 3)) == ("drill", True, told["restore_s"])
    drilled = sidecars.read(host.bucket(), PREFIX, BackupName(SERVER, told["backup_id"]), Drilled)
    assert drilled is not None
    assert (drilled.rows, drilled.by, drilled.problems) == (20_004, "i-0db1", [])


@pytest.mark.soak
def test_kept(host: DatabaseHost) -> None:
    """What is printed for people tells the RTO, and how to look into the scratch server; the next drill ends it."""
    host.backed_up()
    ended = host.run("backup", "drill", "--keep")
    assert ended.code == 0, ended.error
    lines = [line.strip() for line in ended.out.splitlines()]
    assert lines[0].endswith(f"of {SERVER} restores")
    assert "3 tables, 20,004 rows: counted, checked, as in the manifest" in lines
    assert any(line.startswith("RTO: ") for line in lines)
    query = "SELECT n FROM school.on_it"
    shown = subprocess.run([*shlex.split(lines[-1]), "-N", "-e", query], capture_output=True, check=True)
    assert shown.stdout == b"10000\n"
    assert host.run("backup", "drill").code == 0
    assert list((host.state_dir / "drill").iterdir()) == []


@pytest.mark.spoilt("a bit of the dump is turned over")
def test_damaged(host: DatabaseHost, sandbox: Sandbox) -> None:
    """A backup whose object was changed does not restore: exit code 1, one line, and a failure in the journal."""
    told = host.backed_up("--no-verify")
    name = BackupName(SERVER, told["backup_id"])
    key = name.key(PREFIX, "dump.sql.zst")
    content = bytearray(sandbox.object_bytes("vawsum-backups", key))
    content[len(content) // 2] ^= 1
    sandbox.put_object("vawsum-backups", key, bytes(content))
    ended = host.run("backup", "drill", "--slot", "7.0", "--json")
    assert ended.code == 1
    assert len(ended.error.strip().splitlines()) == 1, ended.error
    outcome = host.journal.outcomes()[-1]
    assert (outcome.kind, outcome.is_ok, outcome.slot) == ("drill", False, 7.0)
    assert list((host.state_dir / "drill").iterdir()) == []


def test_told_to_end(host: DatabaseHost) -> None:
    """By the daemon's stop: within moments nothing of it is left, and nothing is said of the backup."""
    told = host.backed_up()
    with host.start("backup", "drill") as drill:
        assert wait_until(lambda: bool(servers(host)), 60)
        drill.send_signal(signal.SIGTERM)
        _, error = drill.communicate(timeout=60)
    if drill.returncode:  # else it was done by then
        assert len(error.strip().splitlines()) == 1, error
        assert host.journal.outcomes()[-1].is_halted
        name = BackupName(SERVER, told["backup_id"])
        assert sidecars.read(host.bucket(), PREFIX, name, Drilled) is None
    assert wait_until(lambda: not servers(host), 30)
    assert list((host.state_dir / "drill").iterdir()) == []


def test_killed(host: DatabaseHost) -> None:
    """The scratch server dies with it; the next drill clears up and succeeds."""
    host.backed_up()
    with host.start("backup", "drill") as drill:
        assert wait_until(lambda: bool(servers(host)), 60)
        drill.kill()
    assert wait_until(lambda: not servers(host), 30)
    assert host.journal.running() is not None
    ended = host.run("backup", "drill", "--json")
    assert ended.code == 0, ended.error
    assert list((host.state_dir / "drill").iterdir()) == []


def test_no_backup(host: DatabaseHost) -> None:
    """One line, and in the journal: a drill that was due and could not be held is a failure."""
    ended = host.run("backup", "drill", "--slot", "7.0")
    assert ended.code == 1
    assert "there is no backup of production-db" in ended.error
    assert host.journal.outcomes()[-1].slot == 7.0


def test_doctor_and_check_config(host: DatabaseHost) -> None:
    """Both look at the server and at the bucket, and print the rules to set."""
    host.backed_up()
    for command in (("doctor",), ("check-config", "--online")):
        ended = host.run(*command, "--json")
        rows = json.loads(ended.out)["findings"]
        places_told = {row["where"] for row in rows}
        assert {"lifecycle of s3://vawsum-backups", "backups of production-db", "drill"} <= places_told
        assert any(row["what"].endswith("may dump all of it, and accounts") for row in rows)
        assert any("put-bucket-lifecycle-configuration" in row["remedy"] for row in rows)


def servers(host: DatabaseHost) -> list[int]:
    """Scratch servers that run."""
    folders = (host.state_dir / "drill").glob("scratch-*") if (host.state_dir / "drill").exists() else ()
    return [pid for folder in folders for pid in places.servers_of(folder) if places.started(pid) is not None]
