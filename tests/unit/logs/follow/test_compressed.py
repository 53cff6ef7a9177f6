"""Compressed rotations are read as streams: in bounded pieces, at any offset, complete or not."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vawsum_agent.logs.follow.compressed import CODECS, CompressedContent, CorruptError
from vawsum_agent.logs.follow.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
TEXT = b"".join(b"line %d\n" % n for n in range(20_000))


def opened(path: Path, codec: str) -> CompressedContent:
    """Open a compressed file."""
    return CompressedContent(os.open(path, os.O_RDONLY), (0, 0), CODECS[codec])


@pytest.fixture(params=list(COMPRESS))
def codec(request: pytest.FixtureRequest) -> str:
    """Each way of compressing."""
    return str(request.param)


def whole(content: CompressedContent, start: int, limit: int) -> bytes:
    """Read from an offset to the end."""
    pieces = []
    while piece := content.read_at(start, limit):
        assert len(piece) <= limit
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_offset(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """From every offset, in every order of offsets, the bytes are those of the file before it was compressed."""
    codec = data.draw(st.sampled_from(list(COMPRESS)))
    path = tmp_path_factory.mktemp("any") / "log"
    cut = data.draw(st.integers(0, len(TEXT)))
    path.write_bytes(COMPRESS[codec](TEXT[:cut]) + COMPRESS[codec](TEXT[cut:]))
    content = opened(path, codec)
    for offset in data.draw(st.lists(st.integers(0, len(TEXT)), max_size=5)):
        limit = data.draw(st.sampled_from([1000, 1 << 20]))
        assert whole(content, offset, limit) == TEXT[offset:]
        assert content.end() == len(TEXT)
    content.close()


def test_grows_while_it_is_read(tmp_path: Path, codec: str) -> None:
    """A file whose compressor is still at work gives what is there, has no end, and goes on."""
    path = tmp_path / "log"
    packed = COMPRESS[codec](TEXT)
    path.touch()
    content = opened(path, codec)
    read = b""
    for end in (0, 1, 3, 10, len(packed) // 2, len(packed) - 1):
        path.write_bytes(packed[:end])
        read += whole(content, len(read), 10_000)
        assert content.end() is None
    path.write_bytes(packed)
    read += whole(content, len(read), 10_000)
    assert (read, content.end()) == (TEXT, len(TEXT))
    content.close()


def test_damage(tmp_path: Path, codec: str) -> None:
    """Damage is an error at the byte where it begins to matter; nothing wrong is read as if it were right."""
    path = tmp_path / "log"
    packed = bytearray(COMPRESS[codec](random.Random(7).randbytes(3_000_000)))
    original = random.Random(7).randbytes(3_000_000)
    packed[len(packed) // 2 : len(packed) // 2 + 64] = bytes(64)
    path.write_bytes(packed)
    content = opened(path, codec)
    with pytest.raises(CorruptError):
        whole(content, 0, 1 << 16)
    assert content.cursor < len(original)
    content.close()


def test_padding_is_ignored(tmp_path: Path, codec: str) -> None:
    """Zeros after the end, as block devices and tapes leave them, are no data."""
    path = tmp_path / "log"
    path.write_bytes(COMPRESS[codec](TEXT) + bytes(100_000))
    content = opened(path, codec)
    assert whole(content, 0, 1 << 20) == TEXT
    assert content.end() == len(TEXT)
    content.close()


def test_a_turn_is_bounded(tmp_path: Path) -> None:
    """A far offset is reached in several calls, each of a bounded length; a range is read in one."""
    path = tmp_path / "log"
    block = bytes(range(256)) * 4096
    path.write_bytes(gzip.compress(block * 70, 1))
    content = opened(path, "gzip")
    ranges = Ranges(content)
    turns = 0
    while not (data := content.read_at(len(block) * 69, 100)):
        turns += 1
        assert turns < 10
    assert turns == 4
    assert data == block[:100]
    assert ranges.read(len(block) * 69 + 5, len(block) * 69 + 9) == block[5:9]
    assert ranges.read(len(block) * 70 - 2, len(block) * 70) == block[-2:]
    assert ranges.read(len(block) * 70 - 2, len(block) * 70 + 1) is None
    ranges.close()
    content.close()
