"""A dump that is not whole is never taken for one, and says why; the next one works."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import pymysql
import pytest

from sandbox.servers.process import open_directory, wait_until
from tests.integration.backup.dumping import LARGE, Kept, Stalling, dumped, started
from vawsum_agent.backup.dump.dump import DumpRequest, dump
from vawsum_agent.backup.dump.failure import TableChanged, failure_of
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.backup.server.programs import Program, find_dump
from vawsum_agent.core.errors import BackupError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.servers.mariadb import MariaDb
    from vawsum_agent.backup.dump.dump import Dumped

MIDWAY_BYTES = 5 << 20
DUMPERS = "SELECT id FROM information_schema.PROCESSLIST WHERE info LIKE 'SELECT /*!40001 SQL_NO_CACHE%'"


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """One with a table large enough to be interrupted, and a small one that comes after it."""
    with open_directory("vawsum-dump-") as folder, started(folder) as server:
        server.execute(LARGE)
        yield server


def message(result: Dumped) -> str:
    """Why a dump failed, which it did."""
    assert not result.is_whole
    assert not result.has_trailer
    found = failure_of(result.exit_code, result.last_words)
    assert found is not None
    assert found.hint
    return found.message


def request_for(server: MariaDb) -> DumpRequest:
    """Both tables."""
    found = read_server(str(server.option_file), ["large"])
    return DumpRequest(server=found, program=find_dump(found.flavour), option_file=str(server.option_file))


def clients() -> list[psutil.Process]:
    """Dump programs that are children of this process."""
    return [child for child in psutil.Process().children(recursive=True) if "dump" in child.name()]


def test_killed(server: MariaDb) -> None:
    """The client killed with -9 midway: its table is cut off and the signal named; the next dump is whole."""

    def kill() -> None:
        for child in clients():
            child.kill()

    result = dumped(server, Kept(kill, MIDWAY_BYTES), ["large"])
    assert "signal 9" in message(result)
    assert result.cut_off == [("large", "a")]
    again = dumped(server, Kept(), ["large"])
    assert again.is_whole
    assert [frame.rows for frame in again.frames if frame.kind == "table"] == [20_000, 1]


def test_connection_killed(server: MariaDb) -> None:
    """The server cuts the connection midway: error 2013, though what came ends after a whole row."""

    def kill() -> None:
        for number in server.execute(DUMPERS).split():
            server.execute(f"KILL CONNECTION {number}")

    result = dumped(server, Kept(kill, MIDWAY_BYTES), ["large"])
    assert "cut the connection" in message(result)
    assert result.exit_code > 0
    assert result.cut_off == [("large", "a")]


def test_server_stopped(server: MariaDb) -> None:
    """The server is shut down midway: no whole dump; when it is back, there is one."""
    try:
        result = dumped(server, Kept(server.stop, MIDWAY_BYTES), ["large"])
    finally:
        server.start()
    assert message(result)
    assert result.cut_off == [("large", "a")]
    assert dumped(server, Kept(), ["large"]).is_whole


def test_table_altered(server: MariaDb) -> None:
    """A table altered after the snapshot and before its turn is error 1412, which a second try mends."""
    alter = Kept(lambda: server.execute("ALTER TABLE large.z ENGINE = InnoDB"), MIDWAY_BYTES)
    result = dumped(server, alter, ["large"])
    assert "changed meanwhile" in message(result)
    assert isinstance(failure_of(result.exit_code, result.last_words), TableChanged)
    assert dumped(server, Kept(), ["large"]).is_whole


def test_broken_view(server: MariaDb) -> None:
    """A view of a table that is gone fails the dump, and is named."""
    server.execute(
        "CREATE DATABASE views; CREATE TABLE views.t (id INT); CREATE VIEW views.v AS SELECT id FROM views.t"
    )
    server.execute("DROP TABLE views.t")
    try:
        result = dumped(server, Kept(), ["views"])
        assert "a view names what does not exist" in message(result)
        assert "views.v" in result.last_words
    finally:
        server.execute("DROP DATABASE views")


def test_stands_still(server: MariaDb) -> None:
    """A dump that waits for a lock which nobody gives back is ended in the end, and it is said where."""
    request = request_for(server)
    with pymysql.connect(unix_socket=str(server.socket), user="root", database="large") as locker:
        locker.cursor().execute("LOCK TABLES z WRITE")
        with pytest.raises(BackupError, match=r"still at large\.a, or at what comes after it: no byte came for 3s"):
            dump(request, Kept(), still_s=3.0)
    assert clients() == []
    assert dump(request, Kept(), still_s=3.0).is_whole


def test_slow_is_not_still(server: MariaDb, tmp_path: Path) -> None:
    """As long as something comes now and then it may take as long as it does."""
    script = tmp_path / "dump"
    script.write_text("#!/bin/sh\nfor each in 1 2; do echo '-- MariaDB dump'; sleep 1.3; done\n")
    script.chmod(0o755)
    request = replace(request_for(server), program=Program(str(script), "mariadb", (10, 11, 0), ""))
    assert dump(request, Kept(), still_s=2.0).exit_code == 0


def test_wrong_password(server: MariaDb, tmp_path: Path) -> None:
    """A client that is not let in says so; the password is nowhere in what it says."""
    found = read_server(str(server.option_file), ["large"])
    wrong = tmp_path / "wrong.cnf"
    wrong.touch(mode=0o600)
    wrong.write_text(f"[client]\nuser = nobody\npassword = hunter2\nsocket = {server.socket}\n")
    request = DumpRequest(server=found, program=find_dump(found.flavour), option_file=str(wrong))
    result = dump(request, Kept())
    assert "not let in" in message(result)
    assert "hunter2" not in result.last_words


def test_missing_program(server: MariaDb) -> None:
    """A client that is not there can't be started, and nothing was written."""
    found = read_server(str(server.option_file), ["large"])
    writer = Kept()
    request = DumpRequest(
        server=found, program=Program("/nowhere/dump", "mariadb", (1, 0, 0), ""), option_file=str(server.option_file)
    )
    with pytest.raises(BackupError, match="/nowhere/dump can't be run"):
        dump(request, writer)
    assert writer.content == b""


def test_cancelled(server: MariaDb) -> None:
    """Told to end midway, the client is ended, and the dump is not whole."""
    writer = Kept()
    result = dumped(server, writer, ["large"], is_cancelled=lambda: len(writer.content) > MIDWAY_BYTES)
    assert result.is_cancelled
    assert not result.is_whole
    assert result.exit_code == -signal.SIGTERM
    assert clients() == []


def test_writer_fails(server: MariaDb) -> None:
    """Where sending fails for good, its error comes through and the client is gone."""

    def fail() -> None:
        raise StateError("the bucket is gone")

    with pytest.raises(StateError, match="the bucket is gone"):
        dumped(server, Kept(fail, MIDWAY_BYTES), ["large"])
    assert wait_until(lambda: clients() == [], 30)


def test_slow_sending_does_not_end_the_dump(server: MariaDb) -> None:
    """With a server that cuts after 5 s, sending that stands still for 20 s gives a whole dump all the same."""
    server.execute("SET GLOBAL net_write_timeout = 5")
    try:
        writer = Stalling(20)
        result = dumped(server, writer, ["large"])
        assert result.is_whole, result
        # It was kept alive by a little of it, not by taking all.
        assert writer.taken_meanwhile < result.size_bytes
        frozen = Kept(lambda: time.sleep(20), MIDWAY_BYTES)
        assert not dumped(server, frozen, ["large"]).is_whole  # so it does cut
    finally:
        server.execute("SET GLOBAL net_write_timeout = 60")
