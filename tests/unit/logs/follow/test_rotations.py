"""Rotations, one by one: every byte of every generation is read once, wherever a rotation puts it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
from typing import TYPE_CHECKING, BinaryIO

import pytest

from tests.unit.logs.follow.following import reader_of, source_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.logs.follow.following import SetReader

COMPRESS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def lines(name: str, count: int = 40) -> bytes:
    """Lines that occur nowhere else."""
    return b"".join(b"%s line %d of this generation\n" % (name.encode(), n) for n in range(count))


def compress(path: Path, suffix: str = ".gz") -> Path:
    """Do what logrotate's compress does: the copy keeps the time, the original goes."""
    status = path.stat()
    packed = path.with_name(path.name + suffix)
    packed.write_bytes(COMPRESS[suffix](path.read_bytes()))
    os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()
    return packed


def append(path: Path, data: bytes) -> None:
    """Write as a program does that opens its log for each line."""
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The live path."""
    return tmp_path / "access.log"


@pytest.fixture
def reader(log: Path) -> Iterator[SetReader]:
    """A reader of the live path that has met nothing yet."""
    reader = reader_of(log)
    yield reader
    reader.stop()


@pytest.fixture
def writer(log: Path) -> Iterator[BinaryIO]:
    """A program that keeps its log open."""
    with log.open("ab", buffering=0) as file:
        yield file


def test_what_is_appended_is_read_once(log: Path, reader: SetReader) -> None:
    """A growing file is read as it grows, in reads of at most the limit."""
    append(log, lines("a"))
    reader.drain(limit=100)
    append(log, lines("b"))
    reader.drain(limit=100)
    assert reader.contents == [lines("a") + lines("b")]


def test_a_slow_writer_after_rename(log: Path, reader: SetReader, writer: BinaryIO) -> None:
    """After rename + create the old file is read on as long as somebody has it open, and closed when nobody has."""
    writer.write(lines("a"))
    reader.drain()
    old = reader.tail()
    log.rename(f"{log}.1")
    append(log, lines("new"))
    reader.settle()
    writer.write(lines("late"))
    reader.settle()
    assert old in reader.follower.tails()
    writer.close()
    reader.settle()
    assert old not in reader.follower.tails()
    assert reader.contents == [lines("a") + lines("late"), lines("new")]


def test_a_finished_file_that_grows_is_continued(log: Path, reader: SetReader) -> None:
    """A rotated file that is written to after it was closed is noticed and read on."""
    append(log, lines("a"))
    reader.drain()
    log.rename(f"{log}.1")
    append(log, lines("b"))
    reader.settle()
    append(log.with_name("access.log.1"), lines("late"))
    reader.set_clock.advance(60)
    reader.settle()
    assert reader.contents == [lines("a") + lines("late"), lines("b")]


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("is_running", [True, False])
def test_copytruncate_with_an_unread_rest(log: Path, reader: SetReader, suffix: str, is_running: bool) -> None:
    """The unread rest is in the copy, also a compressed one; the live file is a new generation, even when longer."""
    append(log, lines("a"))
    reader.drain()
    if not is_running:
        reader.stop()
    append(log, lines("rest"))
    copy = log.with_name("access.log.1")
    shutil.copy(log, copy)
    os.truncate(log, 0)
    if suffix:
        compress(copy, suffix)
    append(log, lines("new", 400))
    if not is_running:
        reader.start()
    reader.settle()
    assert reader.contents == [lines("a") + lines("rest"), lines("new", 400)]


def test_truncation_without_a_copy(log: Path, reader: SetReader) -> None:
    """What was unread is gone, and the tail says how much; the file is read on from its beginning."""
    append(log, lines("a"))
    reader.drain()
    append(log, lines("rest"))
    reader.follower.scan()
    old = reader.tail()
    os.truncate(log, 0)
    append(log, lines("new"))
    reader.drain()
    assert old.is_searching
    reader.settle()
    assert (old.lost_bytes, old.lost_reason) == (len(lines("rest")), "truncated")
    assert reader.contents == [lines("a"), lines("new")]


def test_a_file_cut_short_is_not_read_twice(log: Path, reader: SetReader) -> None:
    """A file that a power cut or an editor left shorter goes on at its new end."""
    append(log, lines("a", 100))
    reader.drain()
    os.truncate(log, 2000)
    reader.follower.scan()
    append(log, lines("new"))
    reader.settle()
    assert reader.contents == [lines("a", 100), lines("new")]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("size", [10, 20_000])
def test_stopped_for_days(log: Path, reader: SetReader, suffix: str, size: int) -> None:
    """After days the rest is read from inside .3, at the exact byte, and what came in between whole, in order."""
    append(log, lines("a", size))
    reader.drain()
    reader.stop()
    append(log, lines("rest", size))
    compress(log.rename(f"{log}.3"), suffix)
    for number in ("2", "1"):
        append(log, lines(number, size))
        rotated = log.rename(f"{log}.{number}")
        if number == "2":
            compress(rotated, suffix)
    append(log, lines("live"))
    reader.start()
    reader.settle()
    first = lines("a", size) + lines("rest", size)
    assert reader.contents == [first, lines("2", size), lines("1", size), lines("live")]


@pytest.mark.parametrize(
    "name", ["access.log-20261123", "access-20261123.log", "access.1.log", "access.log.2026-11-23"]
)
def test_rotated_names(log: Path, reader: SetReader, name: str) -> None:
    """Dated names and a number before the extension mean rotations as well, also when the glob takes them."""
    reader.source.paths.append(f"{log.parent}/*.log")
    reader.restart()
    append(log, lines("a"))
    reader.drain()
    reader.stop()
    append(log, lines("rest"))
    log.rename(log.with_name(name))
    append(log, lines("b"))
    reader.start()
    reader.settle()
    assert reader.contents == [lines("a") + lines("rest"), lines("b")]


@pytest.mark.parametrize("delay", [True, False])
def test_compression_is_not_read_again(log: Path, reader: SetReader, delay: bool) -> None:
    """Compressing a generation that was read, at once or at the next rotation, gives nothing new."""
    append(log, lines("a"))
    reader.drain()
    rotated = log.rename(f"{log}.1")
    if not delay:
        compress(rotated)
    append(log, lines("b"))
    reader.settle()
    if delay:
        compress(rotated.rename(f"{log}.2"))
    log.rename(f"{log}.1")
    append(log, lines("c"))
    reader.settle()
    reader.restart()
    reader.settle()
    assert reader.contents == [lines("a"), lines("b"), lines("c")]


def test_a_compressor_at_work(log: Path, reader: SetReader) -> None:
    """A compressed file that is still being written is neither taken for complete nor for something new."""
    append(log, lines("a", 30_000))
    reader.drain()
    reader.stop()
    append(log, lines("rest", 30_000))
    packed = gzip.compress(log.read_bytes())
    log.unlink()
    half = log.with_name("access.log.1.gz")
    append(log, lines("b"))
    reader.start()
    for end in (0, 5, len(packed) // 3, len(packed) // 2, len(packed)):
        half.write_bytes(packed[:end])
        reader.drain()
        reader.set_clock.advance(1)
    reader.settle()
    assert reader.contents == [lines("a", 30_000) + lines("rest", 30_000), lines("b")]


def test_older_rotations_are_left_alone(log: Path, reader: SetReader) -> None:
    """At the first meeting only the live file is read, and older rotations not later either, whatever their times."""
    for number in ("3", "2", "1"):
        append(log, lines(number))
        log.rename(f"{log}.{number}")
    compress(log.with_name("access.log.3"))
    append(log, lines("live"))
    reader.drain()
    log.with_name("access.log.1").rename(f"{log}.2")
    log.rename(f"{log}.1")
    append(log, lines("new"))
    reader.settle()
    reader.restart()
    reader.settle()
    assert reader.contents == [lines("live"), lines("new")]


def test_rotations_faster_than_the_scan(log: Path, reader: SetReader) -> None:
    """Generations that came and went between two scans are read from their files."""
    append(log, lines("a"))
    reader.drain()
    for name in "bcd":
        for number in (3, 2, 1):
            if log.with_name(f"access.log.{number}").exists():
                log.with_name(f"access.log.{number}").rename(f"{log}.{number + 1}")
        log.rename(f"{log}.1")
        append(log, lines(name))
    reader.settle()
    assert reader.contents == [lines("a"), lines("b"), lines("c"), lines("d")]


def test_deletion_while_unread(log: Path, reader: SetReader) -> None:
    """A file that is deleted once it was seen is read to its end."""
    append(log, lines("a"))
    reader.follower.scan()
    log.unlink()
    reader.settle()
    assert reader.contents == [lines("a")]
    assert not reader.follower.tails()


def test_deletion_while_stopped(log: Path, reader: SetReader) -> None:
    """A file that is deleted while nobody looks is lost, and the tail says so."""
    append(log, lines("a"))
    reader.drain()
    reader.stop()
    log.unlink()
    log.with_name("access.log.9").touch()
    reader.start()
    reader.follower.scan()
    old = reader.tail(0)
    reader.settle()
    assert (old.lost_bytes, old.lost_reason) == (None, "deleted")
    assert old.is_finished


def test_a_reused_inode_is_another_file(log: Path, reader: SetReader) -> None:
    """A new file that got the inode of an old one is a generation of its own, read from its beginning."""
    append(log, lines("a"))
    reader.drain()
    reader.stop()
    inode = log.stat().st_ino
    with log.open("r+b") as file:
        file.truncate()
        file.write(lines("another file altogether", 100))
    assert log.stat().st_ino == inode
    reader.start()
    reader.settle()
    assert reader.contents == [lines("a"), lines("another file altogether", 100)]


def test_same_headers(log: Path, reader: SetReader) -> None:
    """Slow logs begin all alike: generations that share their first lines are told apart."""
    header = b"/usr/sbin/mysqld, Version: 8.0.39. started with:\nTcp port: 3306\nTime Id Command Argument\n"
    append(log, header + lines("a"))
    reader.drain()
    reader.stop()
    compress(log.rename(f"{log}.2"))
    append(log, header + lines("b"))
    compress(log.rename(f"{log}.1"))
    append(log, header + lines("c"))
    reader.start()
    reader.settle()
    assert reader.contents == [header + lines("a"), header + lines("b"), header + lines("c")]


@pytest.mark.parametrize("is_running", [True, False])
def test_olddir(log: Path, reader: SetReader, is_running: bool) -> None:
    """Rotated files are found in a folder below the log's, and while running in any folder they are moved to."""
    old = log.parent / "old"
    old.mkdir()
    append(log, lines("a"))
    reader.drain()
    if not is_running:
        reader.stop()
    append(log, lines("rest"))
    log.rename(old / "access.log.1")
    append(log, lines("b"))
    if not is_running:
        reader.start()
    reader.settle()
    (old / "access.log.1").rename(old / "access.log.2")
    log.rename(old / "access.log.1")
    append(log, lines("c"))
    reader.settle()
    assert reader.contents == [lines("a") + lines("rest"), lines("b"), lines("c")]


def test_restored_on_another_disk(log: Path, reader: SetReader) -> None:
    """A host restored from a snapshot has its logs at other inodes: they are known by their bytes, not met anew."""
    append(log, lines("a"))
    reader.drain()
    reader.stop()
    shutil.copy2(log, f"{log}.copy")
    log.unlink()
    log.with_name("access.log.copy").rename(log)
    append(log, lines("rest"))
    reader.start()
    reader.settle()
    assert reader.contents == [lines("a") + lines("rest")]


def test_start_at_end(log: Path) -> None:
    """``start_at = "end"`` skips what lay there at the very first look, and nothing that comes later."""
    append(log, lines("before"))
    reader = reader_of(log.parent / "*.log", start_at="end")
    reader.drain()
    append(log, lines("after"))
    append(log.with_name("late.log"), lines("late"))
    reader.drain()
    reader.restart()
    append(log.with_name("later.log"), lines("later"))
    log.rename(f"{log}.1")
    append(log, lines("new"))
    reader.settle()
    assert sorted(reader.contents) == sorted([lines("after"), lines("late"), lines("later"), lines("new")])
    reader.stop()


def test_mv_to_another_live_name(log: Path) -> None:
    """A log that is renamed to a name that the glob takes stays what it was."""
    reader = reader_of(log.parent / "*.log")
    append(log, lines("a"))
    reader.drain()
    log.rename(log.with_name("other.log"))
    append(log.with_name("other.log"), lines("late"))
    append(log, lines("b"))
    reader.settle()
    append(log.with_name("other.log"), lines("later"))
    reader.settle()
    reader.restart()
    reader.settle()
    assert reader.contents == [lines("a") + lines("late") + lines("later"), lines("b")]
    reader.stop()


def test_source_of_nothing(tmp_path: Path) -> None:
    """A folder that is not there yet is no problem."""
    reader = reader_of(tmp_path / "missing" / "*.log")
    reader.drain()
    assert not reader.follower.problems()
    assert source_of(tmp_path).name == "web"


def test_a_compressor_that_died(log: Path, reader: SetReader) -> None:
    """What can be read of a half written compressed file is read, and the rest from the whole one that replaces it."""
    append(log, lines("a", 30_000))
    reader.follower.scan()
    reader.stop()
    packed = gzip.compress(log.read_bytes())
    log.unlink()
    half = log.with_name("access.log.1.gz")
    half.write_bytes(packed[: len(packed) // 2])
    append(log, lines("b"))
    reader.start()
    reader.drain()
    assert 0 < len(reader.contents[0]) < len(lines("a", 30_000))
    half.unlink()
    half.write_bytes(packed)
    reader.settle()
    assert reader.contents == [lines("a", 30_000), lines("b")]


def test_a_compressor_that_died_for_good(log: Path, reader: SetReader) -> None:
    """A compressed file that stays half written is given up after minutes, with what it held; the tail says so."""
    append(log, lines("a", 30_000))
    reader.follower.scan()
    reader.stop()
    packed = gzip.compress(log.read_bytes())
    log.unlink()
    log.with_name("access.log.1.gz").write_bytes(packed[: len(packed) // 2])
    append(log, lines("b"))
    reader.start()
    reader.settle()
    old = reader.tail(0)
    reader.set_clock.advance(300)
    reader.drain()
    assert (old.lost_bytes, old.lost_reason, old.is_final) == (None, "damaged", True)
    assert lines("a", 30_000).startswith(reader.contents[0])
    assert reader.contents[1] == lines("b")
    assert reader.follower.problems()
