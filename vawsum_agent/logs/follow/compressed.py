"""Reading inside ``.gz``, ``.bz2`` and ``.xz``: a stream, a bounded piece a call, also while it is being written."""

from __future__ import annotations

import bz2
import lzma
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from isal import igzip_lib

from vawsum_agent.logs.follow.fingerprint import HEAD_BYTES, MARKER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.logs.follow.content import Content, Identity

# The stub calls it an instance.
_DAMAGE: tuple[type[Exception], ...] = (igzip_lib.error, lzma.LZMAError, OSError, EOFError, ValueError)  # type: ignore[assignment]
_INPUT_BYTES = 64 << 10
_PIECE_BYTES = 1 << 20


class CorruptError(OSError):
    """A compressed file can't be read beyond some point."""


class _Decoder(Protocol):
    """What the decompressors of the standard library and of isal have in common; one reads one member (or stream)."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """A compression. ``turn_bytes`` is how much of it one call may skip, about 50 ms of work."""

    new_decoder: Callable[[], _Decoder]
    magic: bytes
    turn_bytes: int


def _gzip_decoder() -> _Decoder:
    decoder: _Decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return decoder


CODECS = {
    "gzip": Codec(_gzip_decoder, b"\x1f\x8b", 16 << 20),
    "bzip2": Codec(bz2.BZ2Decompressor, b"BZh", 2 << 20),
    "xz": Codec(lzma.LZMADecompressor, b"\xfd7zXZ\x00", 4 << 20),
}


class CompressedContent:
    """A compressed file. Reading on is cheap, going back starts over, save within what was read last.

    Attributes:
        is_ended: the cursor is at the end, and the file is whole.
        is_starved: the cursor is at the end of what is there, and the file is not whole.
    """

    is_compressed = True

    def __init__(self, descriptor: int, identity: Identity, codec: Codec) -> None:
        self.descriptor = descriptor
        self.identity = identity
        self._codec = codec
        self._start_over()

    def _start_over(self) -> None:
        self._decoder = self._codec.new_decoder()
        self._input_at = 0
        self._spare = b""
        self.cursor = 0
        self._recent = b""
        self._behind = b""
        self.is_ended = False
        self.is_starved = False

    def read_at(self, offset: int, limit: int) -> bytes:
        """See `Content.read_at`; skips at most the codec's ``turn_bytes``. Raises CorruptError."""
        if offset < self.cursor:
            recent_at = self.cursor - len(self._recent)
            if offset >= recent_at:
                return self._recent[offset - recent_at :][:limit]
            self._start_over()
        return self._next(limit) if self.reaches(offset) else b""

    def reaches(self, offset: int) -> bool | None:
        """See `Content.reaches`; leaves the cursor at ``offset``. Raises CorruptError."""
        if offset < self.cursor:
            self._start_over()
        budget = self._codec.turn_bytes
        while self.cursor < offset:
            piece = self._next(min(_PIECE_BYTES, offset - self.cursor)) if budget > 0 else b""
            if not piece:
                return False if self.is_ended else None
            budget -= len(piece)
        return True

    def before(self, offset: int) -> bytes:
        """See `Content.before`."""
        return self._behind if offset == self.cursor else b""

    def head(self) -> bytes | None:
        """See `Content.head`. To be asked of a fresh content: it starts over. Raises CorruptError."""
        self._start_over()
        head = b""
        while len(head) < HEAD_BYTES and (piece := self._next(HEAD_BYTES - len(head))):
            head += piece
        is_whole = len(head) == HEAD_BYTES or self.is_ended
        self._start_over()
        return head if is_whole else None

    def end(self) -> int | None:
        """See `Content.end`."""
        return self.cursor if self.is_ended else None

    def twin(self) -> Content:
        """See `Content.twin`."""
        return CompressedContent(os.dup(self.descriptor), self.identity, self._codec)

    def close(self) -> None:
        """See `Content.close`."""
        os.close(self.descriptor)

    def _next(self, limit: int) -> bytes:
        try:
            piece = self._decode(limit)
        except _DAMAGE as error:
            raise CorruptError(f"its compressed data is damaged after byte {self.cursor}: {error}") from error
        if piece:
            self.cursor += len(piece)
            self._recent = piece
            self._behind = (self._behind + piece[-MARKER_BYTES:])[-MARKER_BYTES:]
        return piece

    def _decode(self, limit: int) -> bytes:
        while True:
            if self._decoder.eof and not self._begin_member():
                return b""
            data = self._spare
            self._spare = b""
            if not data and self._decoder.needs_input:
                data = self._input()
                if not data:
                    self.is_starved = True
                    return b""
            self.is_starved = False
            piece = self._decoder.decompress(data, limit)
            if piece:
                self.is_ended = False
                return piece

    def _begin_member(self) -> bool:
        """Go on to the next member of the file; at its end, say so."""
        rest = (self._spare or self._decoder.unused_data).lstrip(b"\0")
        while len(rest) < len(self._codec.magic) and (more := self._input()):
            rest = (rest + more).lstrip(b"\0")
        if not rest.startswith(self._codec.magic):
            # The end, or padding, or rubbish that gzip(1) ignores, too. Bytes that come later are looked at again.
            self._spare = rest
            self.is_ended = not rest or not self._codec.magic.startswith(rest)
            return False
        self._decoder = self._codec.new_decoder()
        self._spare = rest
        return True

    def _input(self) -> bytes:
        data = os.pread(self.descriptor, _INPUT_BYTES, self._input_at)
        self._input_at += len(data)
        return data
