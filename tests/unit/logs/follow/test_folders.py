"""What lies in a folder besides plain logs: links, pipes, files of others, names that are no text, a thousand."""

from __future__ import annotations

import gzip
import os
import resource
import socket
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.logs.follow.following import RecordsInMemory, SetClock, SetReader, reader_of, source_of
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import StateError
from vawsum_agent.logs.follow.follower import Follower
from vawsum_agent.logs.follow.release import is_released
from vawsum_agent.state.log_files import LogFiles
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.state.log_records import FileRecord

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user without rights; one who is none of root's is that already."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="vawsum-follow-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_links_are_followed_once(folder: Path) -> None:
    """A file under several names of one source is read once; a symbolic link to it may be its only name."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "real").write_bytes(b"linked\n")
    (folder / "b.log").symlink_to(elsewhere / "real")
    (folder / "c.log").symlink_to("b.log")
    (folder / "a.log").write_bytes(b"hard\n")
    (folder / "d.log").hardlink_to(folder / "a.log")
    (folder / "e.log").symlink_to("nowhere")
    reader = reader_of(folder / "*.log", folder / "?.log")
    reader.settle()
    with (folder / "d.log").open("ab") as file:
        file.write(b"more\n")
    (folder / "a.log").rename(folder / "a.log.1")
    reader.settle()
    assert sorted(reader.contents) == [b"hard\nmore\n", b"linked\n"]
    assert not reader.follower.problems()
    reader.stop()


def test_a_link_to_todays_log(folder: Path) -> None:
    """A symbolic link that is turned to a new file each day is a log that is rotated."""
    (folder / "app-1").write_bytes(b"yesterday\n")
    (folder / "app.log").symlink_to("app-1")
    reader = reader_of(folder / "app.log")
    reader.drain()
    (folder / "app-2").write_bytes(b"today\n")
    (folder / "new").symlink_to("app-2")
    (folder / "new").rename(folder / "app.log")
    reader.settle()
    assert reader.contents == [b"yesterday\n", b"today\n"]
    reader.stop()


def test_what_is_no_file_is_refused(folder: Path) -> None:
    """Pipes, sockets and devices are never opened and named as problems; folders are passed over."""
    os.mkfifo(folder / "fifo.log")
    (folder / "folder.log").mkdir()
    (folder / "device.log").symlink_to("/dev/zero")
    (folder / "loop.log").symlink_to("loop.log")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket.log"))
        (folder / "good.log").write_bytes(b"good\n")
        reader = reader_of(folder / "*.log")
        reader.drain()
        names = [Path(problem.path).name for problem in reader.follower.problems()]
    assert names == ["device.log", "fifo.log", "loop.log", "socket.log"]
    assert all(problem.hint for problem in reader.follower.problems())
    assert reader.contents == [b"good\n"]
    reader.stop()


def test_no_permission(folder: Path) -> None:
    """A log that may not be read is a problem with a remedy, is tried again, and hides no other."""
    (folder / "a.log").write_bytes(b"secret\n")
    (folder / "a.log").chmod(0)
    (folder / "b.log").write_bytes(b"open\n")
    (folder / "b.log").chmod(0o644)
    reader = reader_of(folder / "*.log")
    with as_nobody():
        reader.drain()
        reader.drain()
        (problem,) = reader.follower.problems()
    assert problem.path == str(folder / "a.log")
    assert "Permission denied" in problem.message
    assert "adm" in problem.hint
    (folder / "a.log").chmod(0o644)
    reader.set_clock.advance(60)
    with as_nobody():
        reader.drain()
    assert reader.follower.problems() == []
    assert sorted(reader.contents) == [b"open\n", b"secret\n"]
    reader.stop()


def test_an_unreadable_rotation_is_waited_for(folder: Path) -> None:
    """A rest in a file that may not be read is neither given up nor passed over: it waits for the right to."""
    log = folder / "a.log"
    log.write_bytes(b"first\n" * 300)
    log.chmod(0o644)
    reader = reader_of(log)
    with as_nobody():
        reader.drain()
        reader.stop()
    with log.open("ab") as file:
        file.write(b"rest\n")
    log.rename(folder / "a.log.2")
    (folder / "a.log.1").write_bytes(b"between\n" * 300)
    log.write_bytes(b"live\n" * 300)
    for name in ("a.log.1", "a.log.2"):
        (folder / name).chmod(0)
    with as_nobody():
        reader.start()
        reader.settle()
        assert reader.follower.problems()
        reader.restart()
        reader.settle()
    for name in ("a.log.1", "a.log.2"):
        (folder / name).chmod(0o644)
    with as_nobody():
        reader.set_clock.advance(60)
        reader.settle()
    assert sorted(reader.contents) == [b"between\n" * 300, b"first\n" * 300 + b"rest\n", b"live\n" * 300]
    reader.stop()


def test_who_has_it_open(folder: Path) -> None:
    """The kernel tells whether a file has a writer; of the files of others it does not."""
    path = folder / "a.log"
    path.touch(0o644)
    with path.open("rb") as file:
        assert is_released(file.fileno())
        with path.open("ab"):
            assert is_released(file.fileno()) is False
        assert is_released(file.fileno())
        if os.geteuid() == 0:
            with as_nobody():
                assert is_released(file.fileno()) is None


def test_names_that_are_no_text(folder: Path) -> None:
    """A file name that is no UTF-8 goes through the real store and back, over a restart and a rotation."""
    raw = os.fsencode(folder) + b"/caf\xe9.log"
    Path(os.fsdecode(raw)).write_bytes(b"one\n")
    store = Store.open(folder / "state" / "state.db", SystemClock())
    files = LogFiles(store)
    follower = Follower(source_of(folder / "*.log"), files, SystemClock())
    follower.scan()
    (tail,) = follower.tails()
    assert tail.path.endswith("/caf\\xe9.log")
    assert tail.read(10) == b"one\n"
    follower.close()
    Path(os.fsdecode(raw)).rename(os.fsdecode(raw + b".1"))
    follower = Follower(source_of(folder / "*.log"), files, SystemClock())
    follower.scan()
    (tail,) = follower.tails()
    assert tail.read(10) == b"one\n"
    follower.close()
    store.close()


def test_holes_cost_nothing(folder: Path) -> None:
    """Of a sparse terabyte no more is read than is asked for."""
    with (folder / "a.log").open("wb") as file:
        file.truncate(1 << 40)
    reader = reader_of(folder / "a.log")
    reader.follower.scan()
    assert reader.tail().unread_bytes() == 1 << 40
    assert reader.tail().read(1000) == bytes(1000)
    reader.stop()


def test_ranges(folder: Path) -> None:
    """Bytes before the position are given again while they are there, and never those of another generation."""
    log = folder / "a.log"
    log.write_bytes(b"0123456789" * 100)
    reader = reader_of(log)
    reader.drain()
    tail = reader.tail()
    assert tail.read_range(5, 12) == b"5678901"
    assert tail.read_range(995, 1001) is None
    log.write_bytes(b"abcdefghij" * 200)
    assert tail.read_range(5, 12) is None
    reader.stop()


def test_going_back(folder: Path) -> None:
    """After a rewind the same bytes come again, from a plain file and from a compressed one."""
    log = folder / "a.log"
    log.write_bytes(b"0123456789" * 1000)
    reader = reader_of(log)
    reader.follower.scan()
    tail = reader.tail()
    assert tail.read(5000) == b"0123456789" * 500
    tail.rewind(4995)
    assert tail.read(10) == b"5678901234"
    tail.rewind(7003)
    assert tail.read(4) == b"3456"
    reader.stop()
    (folder / "a.log.1.gz").write_bytes(gzip.compress(log.read_bytes() + b"rest"))
    log.unlink()
    reader.start()
    reader.follower.scan()
    tail = reader.tail()
    for offset in (9990, 3, 10_004, 9000):
        tail.rewind(offset)
        assert tail.read(20) == (b"0123456789" * 1000 + b"rest")[offset : offset + 20]
    reader.stop()


class FullDisk(RecordsInMemory):
    """A store that takes nothing for a while."""

    is_full = True

    def add(self, **values: object) -> FileRecord:
        """See `LogFiles.add`."""
        if self.is_full:
            raise StateError("the state store can't be written", hint="free some space")
        return super().add(**values)  # type: ignore[arg-type]


def test_a_store_that_takes_nothing(folder: Path) -> None:
    """While no record can be written a new file is a problem; afterwards it is read as if nothing had been."""
    (folder / "a.log").write_bytes(b"a\n")
    records = FullDisk()
    reader = SetReader(source_of(folder / "*.log"), records, SetClock())
    reader.drain()
    (problem,) = reader.follower.problems()
    assert problem.hint == "free some space"
    records.is_full = False
    reader.set_clock.advance(10)
    reader.drain()
    assert reader.contents == [b"a\n"]
    reader.set_clock.advance(200)
    assert reader.follower.problems() == []
    reader.stop()


def test_a_thousand_files(folder: Path) -> None:
    """A thousand logs are all followed; while they are quiet a scan costs milliseconds and writes nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    for number in range(1000):
        path = folder / f"vhost{number}-access.log"
        path.write_bytes(b"%d\n" % number)
        os.utime(path, (1e9, 1e9))
    os.utime(folder, (1e9, 1e9))
    reader = reader_of(folder / "*access.log")
    reader.settle()
    assert len(reader.contents) == 1000
    writes = reader.memory.writes
    fastest = min(_seconds(reader) for _ in range(20))
    assert fastest < 0.015  # 2 to 4 ms where nothing else runs
    assert reader.memory.writes == writes
    (folder / "vhost500-access.log").open("ab").write(b"news\n")
    reader.drain(scans=1)
    assert sum(len(content) > 5 for content in reader.contents) == 1
    reader.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _seconds(reader: SetReader) -> float:
    began = time.perf_counter()
    reader.follower.scan()
    return time.perf_counter() - began
