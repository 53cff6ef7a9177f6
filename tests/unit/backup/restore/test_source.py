"""Frames out of a bucket whose connections break, and whose bytes may be wrong."""

from __future__ import annotations

import os
import random

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.backup.restore.memory_bucket import Hand, MemoryBucket, packed
from vawsum_agent.backup.manifest import Frame, Stored
from vawsum_agent.backup.restore.source import Source
from vawsum_agent.core.errors import AccessDenied, BackupError, NotFound, Unavailable

KEY = "mysql/production-db/20260131T183000Z/dump.sql.zst"


def _kept(bucket: MemoryBucket, *sections: bytes) -> tuple[Stored, list[Frame]]:
    frames, offset, blocks = [], 0, []
    for number, sql in enumerate(sections):
        block = packed(sql)
        frames.append(
            Frame(
                kind="table", database="d", name=f"t{number}", offset=offset, size_bytes=len(block), raw_bytes=len(sql)
            )
        )
        offset += len(block)
        blocks.append(block)
    return bucket.store(KEY, b"".join(blocks), sum(map(len, sections))), frames


def _source(bucket: MemoryBucket, stored: Stored, hand: Hand | None = None) -> Source:
    return Source(bucket, KEY, stored, (hand or Hand()).waiting())


@given(
    sections=st.lists(st.binary(min_size=1, max_size=5000), min_size=1, max_size=4),
    breaks=st.lists(st.integers(0, 3000)),
)
def test_any_breaks(sections: list[bytes], breaks: list[int]) -> None:
    """Wherever connections break, each frame's SQL is what was compressed, and no byte is asked for that had come."""
    bucket = MemoryBucket(block_bytes=97)
    stored, frames = _kept(bucket, *sections)
    bucket.breaks_after = list(breaks)
    source = _source(bucket, stored, Hand())
    assert [b"".join(source.sql(frame)) for frame in frames] == sections


def test_it_goes_on_at_the_byte() -> None:
    """After a break only the rest is asked for, of the same object."""
    bucket = MemoryBucket(block_bytes=100)
    stored, (frame,) = _kept(bucket, os.urandom(5000))
    bucket.breaks_after = [250, 700]
    b"".join(_source(bucket, stored).sql(frame))
    assert [offset for _, offset, _ in bucket.asked] == [0, 250, 950]


def test_patience_ends() -> None:
    """No byte for as long as one waits is S3's failure, not the backup's; it names the frame and says how to go on."""
    bucket = MemoryBucket(is_away=True)
    stored, (frame,) = _kept(bucket, b"x")
    hand = Hand()
    with pytest.raises(Unavailable, match=r"no byte of table d\.t0 came for") as told:
        list(_source(bucket, stored, hand).sql(frame))
    assert "--resume" in told.value.hint
    assert 60 <= hand.time_s < 120


def test_a_copy_is_read() -> None:
    """A copy has another ETag: what its frames hold is told by their checksums, for all threads alike."""
    bucket = MemoryBucket()
    stored, frames = _kept(bucket, b"x", b"y")
    source = _source(bucket, replace(stored, etag='"of the upload"'))
    assert [b"".join(source.sql(frame)) for frame in frames] == [b"x", b"y"]


def test_what_another_try_does_not_mend_is_not_tried_again() -> None:
    """An object that is gone, or another one by now, ends it at once, and older versions are named."""
    bucket = MemoryBucket()
    stored, (frame,) = _kept(bucket, b"x")
    source = _source(bucket, stored)
    bucket.objects[KEY] += b"more"
    with pytest.raises(BackupError, match="not what was uploaded") as told:
        list(source.sql(frame))
    assert "list-object-versions" in told.value.hint
    bucket.objects.clear()
    with pytest.raises(NotFound):
        list(source.sql(frame))
    assert len(bucket.asked) == 2


def test_no_two_objects_are_mixed() -> None:
    """A copy that is replaced by another amid a restore is no copy any more."""
    bucket = MemoryBucket()
    stored, frames = _kept(bucket, b"x", b"y")
    source = _source(bucket, replace(stored, etag='"of the upload"'))
    assert list(source.sql(frames[0])) == [b"x"]
    bucket.objects[KEY] = bytes(reversed(bucket.objects[KEY]))
    with pytest.raises(BackupError, match="not what was uploaded"):
        list(source.sql(frames[1]))


def test_what_was_never_allowed_is_not_waited_for() -> None:
    """Nobody waits half an hour for a policy; credentials that are renewed amid a restore are waited for."""
    bucket = MemoryBucket(refusals=1)
    stored, frames = _kept(bucket, b"x", b"y")
    source = _source(bucket, stored)
    with pytest.raises(AccessDenied):
        list(source.sql(frames[0]))
    assert list(source.sql(frames[0])) == [b"x"]
    bucket.refusals = 2
    assert list(source.sql(frames[1])) == [b"y"]


@given(st.data())
def test_any_wrong_byte_is_noticed(data: st.DataObject) -> None:
    """One flipped bit anywhere in a frame never gives other SQL without an error."""
    sql = b"INSERT INTO `t` VALUES (1,'a'),(2,'b');\n" * 20
    bucket = MemoryBucket()
    stored, (frame,) = _kept(bucket, sql)
    at = data.draw(st.integers(0, stored.size_bytes - 1))
    body = bytearray(bucket.objects[KEY])
    body[at] ^= 1 << data.draw(st.integers(0, 7))
    damaged = bucket.store(KEY, bytes(body), len(sql))
    try:
        found = b"".join(_source(bucket, damaged).sql(frame))
    except BackupError as error:
        assert "table d.t0 at byte 0" in error.message  # noqa: PT017
    else:
        assert found == sql


@pytest.mark.parametrize("missing", [1, 4, 20])
def test_a_frame_that_is_cut_off(missing: int) -> None:
    """A frame that ends early is damaged, also when only its checksum is missing."""
    bucket = MemoryBucket()
    stored, (frame,) = _kept(bucket, b"some SQL;\n" * 100)
    short = replace(frame, size_bytes=frame.size_bytes - missing)
    with pytest.raises(BackupError, match="does not end"):
        list(_source(bucket, stored).sql(short))


def test_more_or_less_than_the_manifest_says() -> None:
    """The size of the SQL is part of the promise."""
    bucket = MemoryBucket()
    stored, (frame,) = _kept(bucket, b"some SQL;\n")
    for raw_bytes in (9, 11):
        with pytest.raises(BackupError, match="bytes of SQL where the manifest says"):
            list(_source(bucket, stored).sql(replace(frame, raw_bytes=raw_bytes)))


def test_a_frame_without_checksum_proves_nothing() -> None:
    """It is refused."""
    bucket = MemoryBucket()
    body = packed(b"some SQL;\n", has_checksum=False)
    stored = bucket.store(KEY, body, 10)
    frame = Frame(kind="tail", offset=0, size_bytes=len(body), raw_bytes=10)
    with pytest.raises(BackupError, match="tail at byte 0 has no checksum"):
        list(_source(bucket, stored).sql(frame))


def test_memory_stays_bounded() -> None:
    """What is compressed to next to nothing comes in blocks all the same: 400 MB never stand in memory at once."""
    bucket = MemoryBucket(block_bytes=1 << 18)
    compressor = zstandard.ZstdCompressor(level=3, write_checksum=True).compressobj()
    body = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(400)) + compressor.flush()
    stored = bucket.store(KEY, body, 400 << 20)
    frame = Frame(kind="table", offset=0, size_bytes=len(body), raw_bytes=400 << 20)
    assert max(len(block) for block in _source(bucket, stored).sql(frame)) <= 64 << 20
    stored, (frame,) = _kept(bucket, random.Random(1).randbytes(4 << 20))
    assert max(len(block) for block in _source(bucket, stored).sql(frame)) <= 1 << 20


def test_a_whole_object_has_its_sha256() -> None:
    """What is read in one go is held to the manifest's SHA-256."""
    bucket = MemoryBucket()
    stored, _ = _kept(bucket, b"CREATE USER x;\n")
    assert b"".join(_source(bucket, stored).whole_sql()) == b"CREATE USER x;\n"
    with pytest.raises(BackupError, match="SHA-256"):
        list(_source(bucket, replace(stored, sha256="00" * 32)).whole_sql())
