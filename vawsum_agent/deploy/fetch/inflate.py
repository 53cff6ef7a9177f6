"""An artifact decompressed: blocks of bounded size, to the end that its compression has, and nothing behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import zstandard
from isal import igzip_lib

from vawsum_agent.deploy.fetch.refused import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

_INPUT_BYTES = 64 << 10
_BLOCK_BYTES = 256 << 10
_SLICE_BYTES = 2 << 10
"""Given to zstd at once, since it can't be told how much to give back: 4 bytes may become 128 KiB (RFC 8878, 3.1.1.2),
so a slice becomes 64 MiB at the worst."""

_WINDOW_BYTES = 128 << 20
"""The memory that a frame may ask for; zstd(1) without --ultra and --long stays below."""

# The stub calls it an instance.
_GZIP_DAMAGE: tuple[type[Exception], ...] = (igzip_lib.error, OSError, EOFError, ValueError)  # type: ignore[assignment]


def gunzip(file: BinaryIO) -> Iterator[bytes]:
    """Give what a gzip file of one member holds. Raises Refused: it is damaged, cut, or more than that."""
    decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    while not decoder.eof:
        data = file.read(_INPUT_BYTES) if decoder.needs_input else b""
        if not data and decoder.needs_input:
            raise Refused("it is truncated: its gzip stream has no end")
        try:
            block = decoder.decompress(data, _BLOCK_BYTES)
        except _GZIP_DAMAGE as exc:
            raise Refused(f"its gzip stream is damaged: {exc}") from exc
        if block:
            yield block
    if decoder.unused_data or file.read(1):
        raise Refused("something follows the end of its gzip stream")


def unzstd(file: BinaryIO) -> Iterator[bytes]:
    """Give what a zstd file of one frame holds. Raises Refused: it is damaged, cut, or more than that."""
    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompressobj()
    while not decoder.eof:
        data = file.read(_SLICE_BYTES)
        if not data:
            raise Refused("it is truncated: its zstd frame has no end")
        try:
            block = decoder.decompress(data)
        except zstandard.ZstdError as exc:
            raise Refused(f"its zstd frame is damaged: {exc}") from exc
        if block:
            yield block
    if decoder.unused_data or file.read(1):
        raise Refused("something follows the end of its zstd frame")


def announced_bytes(suffix: str, head: bytes, tail: bytes) -> int:
    """Say how much will come out at least, as the file itself claims; 0 where it does not. Pure.

    Args:
        suffix: of its name, a key of `PACKINGS`.
        head: its first bytes, at least 18 where it has them.
        tail: its last four bytes.
    """
    if suffix == ".tar.gz":
        return int.from_bytes(tail, "little")  # the size modulo 4 GiB (RFC 1952, 2.3.1)
    try:
        return max(0, zstandard.frame_content_size(head))
    except zstandard.ZstdError:
        return 0


PACKINGS: dict[str, Callable[[BinaryIO], Iterator[bytes]]] = {".tar.gz": gunzip, ".tar.zst": unzstd}
"""By the end of the artifact's name."""
