"""Artifacts decompressed: to their end, which must be there, and be the end."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING

import pytest
import zstandard

from vawsum_agent.deploy.fetch.inflate import PACKINGS, announced_bytes
from vawsum_agent.deploy.fetch.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

CONTENT = bytes(range(256)) * 4000 + bytes(5_000_000)
PACK: dict[str, Callable[[bytes], bytes]] = {".tar.gz": gzip.compress, ".tar.zst": zstandard.compress}


def inflated(suffix: str, packed: bytes) -> list[bytes]:
    """All blocks."""
    return list(PACKINGS[suffix](io.BytesIO(packed)))


@pytest.mark.parametrize("suffix", PACK)
def test_whole(suffix: str) -> None:
    """What comes out is what went in, in blocks that are bounded."""
    blocks = inflated(suffix, PACK[suffix](CONTENT))
    assert b"".join(blocks) == CONTENT
    assert max(map(len, blocks)) <= 64 << 20


@pytest.mark.parametrize("suffix", PACK)
def test_cut(suffix: str) -> None:
    """Wherever it is cut, it is refused for that."""
    packed = PACK[suffix](CONTENT[:3000])
    for size in range(len(packed)):
        with pytest.raises(Refused, match="truncated"):
            inflated(suffix, packed[:size])


@pytest.mark.parametrize("suffix", PACK)
@pytest.mark.parametrize("more", ["rubbish", "again", "far"])
def test_more(suffix: str, more: str) -> None:
    """Another archive behind the first, or anything, is not passed over."""
    packed = PACK[suffix](CONTENT)
    behind = {"rubbish": b"\0", "again": packed, "far": bytes(200_000)}
    with pytest.raises(Refused, match="something follows the end"):
        inflated(suffix, packed + behind[more])


@pytest.mark.parametrize("suffix", PACK)
def test_damaged(suffix: str) -> None:
    """What is no such stream is refused for that, and so is one whose content is not what its check says."""
    with pytest.raises(Refused, match="damaged"):
        inflated(suffix, b"<html>not found</html>" * 10)
    packed = bytearray(
        zstandard.ZstdCompressor(write_checksum=True).compress(b"x") if "zst" in suffix else gzip.compress(b"x")
    )
    packed[-3] ^= 1
    with pytest.raises(Refused, match="damaged"):
        inflated(suffix, bytes(packed))


def test_greedy_window() -> None:
    """A frame that asks for gigabytes of memory gets none."""
    parameters = zstandard.ZstdCompressionParameters(window_log=30, compression_level=1, write_content_size=False)
    greedy = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = greedy.compress(b"x") + greedy.flush()
    with pytest.raises(Refused, match="damaged"):
        inflated(".tar.zst", packed)


def test_what_it_announces() -> None:
    """Both formats may say how much they hold; where they don't, nothing is assumed."""
    packed = gzip.compress(CONTENT)
    assert announced_bytes(".tar.gz", packed[:18], packed[-4:]) == len(CONTENT)
    packed = zstandard.compress(CONTENT)
    assert announced_bytes(".tar.zst", packed[:18], packed[-4:]) == len(CONTENT)
    streamed = zstandard.ZstdCompressor().compressobj()
    packed = streamed.compress(CONTENT) + streamed.flush()
    assert announced_bytes(".tar.zst", packed[:18], packed[-4:]) == 0
    assert announced_bytes(".tar.zst", zlib.compress(b""), b"") == 0
