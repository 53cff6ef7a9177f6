"""What goes wrong amid a dump, on a real server: nothing is published, one line says why, and the next run works."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pymysql
import pytest

from sandbox.servers.mariadb import MariaDb
from tests.integration.backup.hosts import SERVER, DatabaseHost, Ended
from vawsum_agent.backup.names import BackupName

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pymysql.connections import Connection

    from sandbox import Sandbox

LIMIT_S = 60.0
DATA = """
CREATE DATABASE school; USE school;
CREATE TABLE early (id INT PRIMARY KEY, what VARCHAR(50));
INSERT INTO early SELECT seq, MD5(seq) FROM seq_1_to_5000;
CREATE TABLE late (id INT PRIMARY KEY, what VARCHAR(50));
INSERT INTO late SELECT seq, MD5(seq) FROM seq_1_to_100;
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MariaDb]:
    """A server that a test may ruin."""
    with MariaDb(tmp_path / "source", options=["log_bin = binlog"]) as started:
        started.execute(DATA)
        yield started


@pytest.fixture
def origin(server: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return server


@pytest.fixture
def host(tmp_path: Path, sandbox: Sandbox, server: MariaDb) -> DatabaseHost:
    """Its host."""
    return DatabaseHost(tmp_path / "host", sandbox, server.option_file)


@contextmanager
def halfway(host: DatabaseHost, server: MariaDb) -> Iterator[tuple[subprocess.Popen[str], Connection]]:
    """Begin a backup and hold its dump up between two tables, by a lock on the second, as long as the context lasts."""
    with pymysql.connect(unix_socket=str(server.socket), user="root", database="school") as locker:
        locker.cursor().execute("LOCK TABLES late WRITE")
        with host.start("backup", "run") as process:
            try:
                wait_until(lambda: "metadata lock" in server.execute("SHOW PROCESSLIST"), "the dump is held up")
                yield process, locker
            finally:
                process.kill()


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end of a backup."""
    out, error = process.communicate(timeout=LIMIT_S)
    return Ended(process.returncode, out, error)


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    ends_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends_at, what
        time.sleep(0.05)


def expect_failed(host: DatabaseHost, end: Ended, *words: str) -> None:
    """One line with these words, nothing published, and it is in the journal."""
    assert end.code == 1
    assert end.error.count("\n") == 1, end.error
    assert all(word in end.error for word in words), end.error
    host.expect_nothing_published()
    (outcome,) = host.journal.outcomes()
    assert not outcome.is_ok
    assert outcome.error in end.error
    assert host.journal.running() is None


def expect_next_works(host: DatabaseHost) -> None:
    """The next run publishes."""
    assert host.backed_up()["rows"] == 5100
    assert len(host.ids()) == 1


def dump_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The dump program that a backup runs."""
    (child,) = (child for child in psutil.Process(process.pid).children(recursive=True) if "dump" in child.name())
    return child


def test_the_dump_is_killed(host: DatabaseHost, server: MariaDb) -> None:
    """Its exit code says so, whatever lies in the pipe."""
    with halfway(host, server) as (process, _):
        dump_of(process).send_signal(signal.SIGKILL)
        expect_failed(host, ended(process), "signal 9")
    expect_next_works(host)


def test_the_connection_is_cut(host: DatabaseHost, server: MariaDb) -> None:
    """The dump's own last words are told."""
    with halfway(host, server) as (process, _):
        rows = [row.split("\t") for row in server.execute("SHOW PROCESSLIST").splitlines()]
        (number,) = (row[0] for row in rows if "metadata lock" in "".join(row))
        server.execute(f"KILL {number}")
        expect_failed(host, ended(process), "2013", "late")
    expect_next_works(host)


def test_the_server_is_restarted(host: DatabaseHost, server: MariaDb) -> None:
    """A server that goes amid the dump is one failed backup."""
    with halfway(host, server) as (process, _):
        server.signal(signal.SIGKILL)
        expect_failed(host, ended(process), "2013")
        server.stop()
    server.start()
    expect_next_works(host)


def test_a_table_is_altered_meanwhile(host: DatabaseHost, server: MariaDb) -> None:
    """Error 1412 is tried once more at once, and what is published is the table as it is now."""
    with halfway(host, server) as (process, locker):
        locker.cursor().execute("ALTER TABLE late ADD COLUMN more INT DEFAULT 7, ALGORITHM = COPY")
        locker.cursor().execute("CREATE TRIGGER watch BEFORE INSERT ON late FOR EACH ROW SET NEW.more = 8")
        locker.cursor().execute("UNLOCK TABLES")
        end = ended(process)
    assert end.code == 0, end.error
    (backup_id,) = host.ids()
    manifest = host.catalog().manifest(BackupName(SERVER, backup_id))
    assert {frame.name: frame.rows for frame in manifest.tables()} == {"early": 5000, "late": 100}
    assert [database.triggers for database in manifest.databases] == [1], "a drill would miss what came meanwhile"


def test_a_table_is_dropped_meanwhile(host: DatabaseHost, server: MariaDb) -> None:
    """A dump that misses what it had listed is none."""
    with halfway(host, server) as (process, locker):
        locker.cursor().execute("DROP TABLE late")
        expect_failed(host, ended(process), "late")


def test_a_broken_view(host: DatabaseHost, server: MariaDb) -> None:
    """It is named; once it is dropped, the next run works."""
    server.execute("CREATE TABLE school.gone (id INT); CREATE VIEW school.odd AS SELECT id FROM school.gone")
    server.execute("DROP TABLE school.gone")
    expect_failed(host, host.run("backup", "run"), "odd", "1356")
    server.execute("DROP VIEW school.odd")
    expect_next_works(host)


def test_told_to_end(host: DatabaseHost, server: MariaDb) -> None:
    """SIGTERM ends it in order: the upload is aborted, and no dump goes on."""
    with halfway(host, server) as (process, _):
        dump = dump_of(process)
        process.terminate()
        expect_failed(host, ended(process), "told to end")
        assert not dump.is_running() or dump.status() == psutil.STATUS_ZOMBIE
    expect_next_works(host)


def test_two_at_once(host: DatabaseHost, server: MariaDb, tmp_path: Path, sandbox: Sandbox) -> None:
    """On one host the second finds the lock, on another the lease: exit code 75, and one backup."""
    other = DatabaseHost(tmp_path / "other", sandbox, server.option_file, "i-0db2")
    with halfway(host, server) as (process, locker):
        second = host.run("backup", "run")
        assert (second.code, "backup of process" in second.error) == (75, True), second.error
        elsewhere = other.run("backup", "run")
        assert (elsewhere.code, "i-0db1 makes a backup" in elsewhere.error) == (75, True), elsewhere.error
        assert other.journal.outcomes() == []
        locker.cursor().execute("UNLOCK TABLES")
        assert ended(process).code == 0
    assert len(host.ids()) == 1


def test_one_of_two_hosts_makes_tonights(host: DatabaseHost, server: MariaDb, tmp_path: Path, sandbox: Sandbox) -> None:
    """What one host did for a moment of the schedule, the other need not; generations grow."""
    other = DatabaseHost(tmp_path / "other", sandbox, server.option_file, "i-0db2")
    slot = str(time.time() - 5)
    assert not host.backed_up("--slot", slot)["is_skipped"]
    assert other.backed_up("--slot", slot)["is_skipped"]
    assert not other.backed_up()["is_skipped"]
    generations = [host.catalog().manifest(BackupName(SERVER, backup_id)).generation for backup_id in host.ids()]
    assert generations == [1, 2]
