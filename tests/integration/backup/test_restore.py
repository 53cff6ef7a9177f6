"""Backups of a real server, restored into another one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
import zstandard

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import ServerError, open_directory
from tests.integration.backup.restores import (
    NAME,
    OPTIONS,
    PREFIX,
    SCHOOL,
    Bench,
    accounts_of,
    back_up,
    emptied,
    log_of,
    text_of,
)
from tests.unit.backup.restore.memory_bucket import MemoryBucket, packed
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.names import DUMP
from vawsum_agent.backup.restore import keys
from vawsum_agent.backup.restore.client import Clients
from vawsum_agent.backup.restore.plan import Selection
from vawsum_agent.backup.restore.run import restore
from vawsum_agent.backup.restore.source import Source, Waiting
from vawsum_agent.backup.restore.text import sql_of
from vawsum_agent.backup.server.programs import Program
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BackupError, BusyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def source() -> Iterator[MariaDb]:
    """A server with a school in it."""
    with open_directory("restore-from-") as directory, MariaDb(directory, options=OPTIONS) as server:
        server.execute(SCHOOL)
        yield server


@pytest.fixture(scope="module")
def backed_up(source: MariaDb) -> tuple[MemoryBucket, object]:
    """Its backup."""
    bucket = MemoryBucket(block_bytes=100_000)
    return bucket, back_up(source, bucket)


@pytest.fixture(scope="module")
def other() -> Iterator[MariaDb]:
    """Another server."""
    with open_directory("restore-into-") as directory, MariaDb(directory, options=OPTIONS) as server:
        yield server


@pytest.fixture
def bench(backed_up: tuple[MemoryBucket, object], other: MariaDb, tmp_path: Path) -> Bench:
    """The backup, and an empty server."""
    emptied(other)
    bucket, made = backed_up
    bucket.breaks_after.clear()
    return Bench(bucket, made, other, Journal(tmp_path))  # type: ignore[arg-type]


def test_everything_is_as_it_was(bench: Bench, source: MariaDb) -> None:
    """A dump of the copy is the dump of the source: schema, rows, blobs, routines, triggers, events, accounts."""
    restored = bench.restore()
    assert restored.report.differences == ()
    assert text_of(bench.target, "school", "old-data") == text_of(source, "school", "old-data")
    assert accounts_of(bench.target) == accounts_of(source) != []
    assert "root@localhost" in "".join(bench.told)


def test_foreign_keys_hold_again(bench: Bench) -> None:
    """A row that refers to nothing is refused by the copy, also where the index that it needs was built late."""
    bench.restore()
    with pytest.raises(ServerError, match="1452"):
        bench.target.execute("INSERT INTO pupils (class_code, name) VALUES ('none', 'x')", database="school")


def test_one_table(bench: Bench, source: MariaDb) -> None:
    """A table comes back alone, with its triggers, and what is beside it stays."""
    bench.restore()
    bench.target.execute("DROP TABLE posts; DELETE FROM `old-data`.notes", database="school")
    restored = bench.restore(table="school.posts")
    assert restored.report.differences == ()
    assert [(row.name, row.found) for row in restored.report.rows] == [("posts", 20000)]
    assert text_of(bench.target, "school") == text_of(source, "school")
    assert bench.target.execute("SELECT COUNT(*) FROM `old-data`.notes").strip() == "0"


def test_one_table_into_an_empty_server(bench: Bench) -> None:
    """The table's database is made where it is missing, with the character set it had."""
    bench.restore(table="school.classes")
    assert bench.target.execute("SHOW TABLES", database="school").split() == ["classes"]
    assert "utf8mb4" in bench.target.execute("SHOW CREATE DATABASE school")


def test_one_database(bench: Bench, source: MariaDb) -> None:
    """A database comes back alone, without accounts."""
    assert bench.restore(database="school").report.differences == ()
    assert text_of(bench.target, "school") == text_of(source, "school")
    assert "old-data" not in bench.target.execute("SHOW DATABASES")
    assert "teacher" not in bench.target.execute("SELECT user FROM mysql.user")


def test_a_server_that_is_not_empty_is_left_alone(bench: Bench) -> None:
    """What would be overwritten is named, and nothing of it changes; forced, it is replaced, and the rest stays."""
    bench.target.execute("CREATE DATABASE school; CREATE TABLE school.pupils (x INT); CREATE TABLE school.own (x INT)")
    with pytest.raises(BackupError, match=r"school\.own, school\.pupils") as refused:
        bench.restore()
    assert "--force" in refused.value.hint
    assert bench.target.execute("SHOW COLUMNS FROM school.pupils").split()[0] == "x"
    restored = bench.restore(is_forced=True)
    assert restored.report.differences == ("table school.own is not from this backup",)
    assert bench.target.execute("SELECT COUNT(*) FROM school.pupils").strip() == "2"


def test_routines_are_something_to_lose(bench: Bench) -> None:
    """A database that has nothing but a routine, or an event, is not empty."""
    bench.target.execute("CREATE DATABASE school; CREATE PROCEDURE school.own() SELECT 1")
    bench.target.execute("CREATE EVENT school.daily ON SCHEDULE EVERY 1 DAY DO SELECT 1")
    with pytest.raises(BackupError, match=r"it has school\.daily, school\.own") as refused:
        bench.restore(database="school")
    assert "routines and events of the same names" in refused.value.hint


def test_accounts_are_something_to_lose(bench: Bench) -> None:
    """Where another application's account has the name of one of the backup, it keeps its password unless forced.

    One that logs in as the backup says has nothing to lose.
    """
    bench.target.execute("CREATE DATABASE blog; CREATE TABLE blog.posts (id INT)")
    bench.target.execute("CREATE USER teacher@'%' IDENTIFIED BY 'blackboard'; CREATE ROLE reader")
    before = bench.target.execute("SHOW CREATE USER teacher@'%'")
    with pytest.raises(BackupError, match=r"log in otherwise: teacher@% \(") as refused:
        bench.restore()
    assert "--no-grants" in refused.value.hint
    assert list(bench.journal.folder.glob("restore-*.json")) == []
    assert bench.target.execute("SHOW CREATE USER teacher@'%'") == before
    bench.target.execute("ALTER USER teacher@'%' IDENTIFIED BY 'chalk'")
    assert bench.restore().report.differences == ()


def test_accounts_that_may_not_be_seen(bench: Bench, tmp_path: Path) -> None:
    """Who may not look whose passwords would change is told what to do, and nothing is begun."""
    bench.target.execute("CREATE USER viewer@'%' IDENTIFIED BY 'x'; GRANT SELECT, CREATE USER ON *.* TO viewer@'%'")
    bench.target.execute("CREATE DATABASE blog; REVOKE SELECT ON *.* FROM viewer@'%'")
    option_file = tmp_path / "viewer.cnf"
    option_file.write_text(f"[client]\nuser = viewer\npassword = x\nsocket = {bench.target.socket}\n")
    option_file.chmod(0o600)
    with pytest.raises(BackupError, match="whose passwords would change is not known") as refused:
        restore(replace(bench.request(), option_file=str(option_file)), bench.means(), bench.journal)
    assert "--no-grants" in refused.value.hint
    assert list(bench.journal.folder.glob("restore-*.json")) == []


def test_nothing_is_begun_without_a_client(bench: Bench) -> None:
    """What fails before the server was touched leaves no note, because of which no backup of it would be made."""

    def find_shell(_: object) -> Program:
        raise BackupError("mariadb is not installed")

    with pytest.raises(BackupError, match="is not installed"):
        restore(bench.request(), replace(bench.means(), find_shell=find_shell), bench.journal)
    assert list(bench.journal.folder.glob("restore-*.json")) == []


def test_resumed_when_accounts_are_made(bench: Bench) -> None:
    """That they are there by then is no reason to refuse what is left."""
    phases: list[str] = []
    means = bench.means(lambda: "tables" in phases, lambda phase, *_: phases.append(phase))
    with pytest.raises(BackupError, match="tables are done"):
        restore(bench.request(), means, bench.journal)
    bench.target.execute("ALTER USER teacher@'%' IDENTIFIED BY 'eraser'")
    assert bench.restore(is_resumed=True).report.differences == ()


def test_the_owners_home_is_unknown_to_clients(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MySQL's clients would read .mylogin.cnf in it, which outdoes the option file, and name another server."""
    monkeypatch.setenv("HOME", str(tmp_path))
    program = tmp_path / "client"
    program.write_text('#!/bin/sh\nenv > "$0.txt"; cat > /dev/null\n')
    program.chmod(0o755)
    clients = Clients(Program(str(program), "mysql", (8, 0, 36), ""), str(bench.target.option_file), (), lambda: False)
    with clients.start() as client:
        client.finish()
    names = {line.partition("=")[0] for line in (tmp_path / "client.txt").read_text().splitlines()}
    assert "PATH" in names
    assert not names & {"HOME", "MYSQL_TEST_LOGIN_FILE"}


def test_large_tables_get_their_indexes_afterwards(bench: Bench, source: MariaDb) -> None:
    """The index of a table above the bound is built after its rows, and is there in the end, in its old place."""
    frame = next(frame for frame in bench.manifest.tables() if frame.name == "posts")
    assert frame.raw_bytes >= keys.WORTH_BYTES
    bench.target.execute("SET GLOBAL general_log = ON")
    bench.restore(table="school.posts")
    bench.target.execute("SET GLOBAL general_log = OFF")
    log = log_of(bench.target)
    assert "ADD KEY `by_title` (`title`)" in log
    assert bench.target.execute("SHOW CREATE TABLE school.posts") == source.execute("SHOW CREATE TABLE school.posts")


def test_no_table_is_locked(bench: Bench) -> None:
    """A table whose rows are loaded is not locked: a table that refers to it may be made by another session."""
    bench.target.execute("SET GLOBAL general_log = ON")
    bench.restore(database="school")
    bench.target.execute("SET GLOBAL general_log = OFF")
    log = log_of(bench.target)
    assert "INSERT INTO `pupils`" in log
    assert "LOCK TABLES `" not in log


def test_the_binary_log_stays_silent_on_wish(bench: Bench) -> None:
    """With --no-binlog nothing of a restore is in the server's binary log."""
    bench.target.execute("RESET MASTER")
    bench.restore(is_logged=False)
    bench.target.execute("FLUSH LOGS")
    size = bench.target.execute("SHOW BINARY LOGS").split()[1]
    assert int(size) < 2000


def test_broken_connections_to_s3(bench: Bench, source: MariaDb) -> None:
    """A connection that breaks is gone on with at the very byte."""
    bench.bucket.breaks_after = [3, 10, 100_000, 0, 17]
    assert bench.restore().report.differences == ()
    assert text_of(bench.target, "school", "old-data") == text_of(source, "school", "old-data")


def test_a_damaged_frame_names_itself(bench: Bench) -> None:
    """A table whose bytes are not what was written is told of, and those before it are noted as done."""
    key = NAME.key(PREFIX, DUMP)
    whole = bench.bucket.objects[key]
    frame = next(frame for frame in bench.manifest.tables() if frame.name == "log_entries")
    at = frame.offset + frame.size_bytes // 2
    damaged = whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]
    broken = MemoryBucket(objects=dict(bench.bucket.objects), block_bytes=100_000)
    stored = broken.store(key, damaged, bench.manifest.dump.raw_bytes)
    bench.bucket, bench.manifest = broken, msgspec.structs.replace(bench.manifest, dump=stored)
    with pytest.raises(BackupError, match=rf"table school\.log_entries at byte {frame.offset}"):
        bench.restore()
    last = bench.journal.outcomes()[-1]
    assert (last.kind, last.is_ok) == ("restore", False)
    assert "log_entries" in last.error


def test_the_text_of_a_whole_backup_is_the_dump(bench: Bench) -> None:
    """On stdout it is byte for byte what the client wrote."""
    key = NAME.key(PREFIX, DUMP)
    waiting = Waiting(SystemClock(), lambda _: None, lambda: 0.0)
    text = b"".join(sql_of(bench.manifest, Selection(), Source(bench.bucket, key, bench.manifest.dump, waiting)))
    reader = zstandard.ZstdDecompressor().stream_reader(bench.bucket.objects[key], read_across_frames=True)
    assert text == reader.read()
    assert text.rstrip().rpartition(b"\n")[2].startswith(b"-- Dump completed")


def test_the_text_of_a_table_restores_it(bench: Bench, source: MariaDb) -> None:
    """What --stdout gives of a table can be piped into a server that has nothing."""
    key = NAME.key(PREFIX, DUMP)
    waiting = Waiting(SystemClock(), lambda _: None, lambda: 0.0)
    read = Source(bench.bucket, key, bench.manifest.dump, waiting)
    bench.target.execute(b"".join(sql_of(bench.manifest, Selection("school", "classes"), read)).decode())
    assert bench.target.execute("SELECT * FROM school.classes") == source.execute("SELECT * FROM school.classes")


def test_only_one_job_at_a_time(bench: Bench) -> None:
    """While another job of this host runs, a restore does not begin."""
    with bench.journal.locked(), pytest.raises(BusyError):
        bench.restore()


def test_wrong_names_are_told(bench: Bench) -> None:
    """A table that is not there is answered with what is close."""
    with pytest.raises(UsageError, match=r"school\.pupil") as told:
        bench.restore(table="school.pupil")
    assert "school.pupils" in told.value.hint


def test_what_it_did_is_told(bench: Bench) -> None:
    """The journal keeps what was restored and how long it took; MyISAM tables are marked."""
    restored = bench.restore()
    last = bench.journal.outcomes()[-1]
    assert (last.kind, last.is_ok, last.backup_id) == ("restore", True, NAME.backup_id)
    assert last.restore_s is not None
    assert bench.journal.running() is None
    assert [row.name for row in restored.report.rows if not row.is_in_snapshot] == ["old_engine"]


def test_another_product_needs_force(bench: Bench) -> None:
    """A backup of a later series, or of MySQL, is not tried unless that is forced."""
    bench.manifest = msgspec.structs.replace(bench.manifest, server_version="12.3.1-MariaDB")
    with pytest.raises(BackupError, match="is older"):
        bench.restore()
    assert bench.restore(is_forced=True).report.differences == ()


def test_what_others_sent_is_no_command(bench: Bench, tmp_path: Path) -> None:
    """SQL that tries to run a program on this host through the client does not."""
    frames = bench.manifest.frames
    head = b"\\! touch %s\n" % str(tmp_path / "owned").encode()
    body = packed(head)
    key = NAME.key(PREFIX, DUMP)
    bucket = MemoryBucket(objects=dict(bench.bucket.objects))
    stored = bucket.store(key, body, len(head))
    frame = msgspec.structs.replace(frames[0], size_bytes=len(body), raw_bytes=len(head))
    table = msgspec.structs.replace(frame, kind="database", database="school")
    bench.bucket = bucket
    bench.manifest = msgspec.structs.replace(bench.manifest, dump=stored, frames=[frame, table], databases=[])
    with pytest.raises(BackupError):
        bench.restore(database="school")
    assert not (tmp_path / "owned").exists()
