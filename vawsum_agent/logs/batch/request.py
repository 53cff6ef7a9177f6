"""One PutLogEvents call, ready to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isal import igzip

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPRESSION_LEVEL = 1


class Request:
    """One PutLogEvents call, compressed when it is first needed.

    That is by a sender: joining and compressing give the interpreter's lock away, and the reader goes on meanwhile.

    Args:
        parts: its JSON, in pieces.

    Attributes:
        count: its events.
        length: the bytes of the file they stand for.
        first_ms: their earliest time.
        last_ms: their latest time.
    """

    __slots__ = ("_body", "_parts", "count", "first_ms", "last_ms", "length")

    def __init__(self, parts: Sequence[bytes], count: int, length: int, first_ms: int, last_ms: int) -> None:
        self._parts: Sequence[bytes] | None = parts
        self._body = b""
        self.count = count
        self.length = length
        self.first_ms = first_ms
        self.last_ms = last_ms

    @property
    def body(self) -> bytes:
        """Its JSON, gzipped. Two threads that ask at once get the same."""
        parts = self._parts
        if parts is not None:
            self._body = igzip.compress(b"".join(parts), _COMPRESSION_LEVEL, mtime=0)
            self._parts = None
        return self._body

    def compress(self) -> None:
        """Take a tenth of the memory from now on."""
        self.body  # noqa: B018 - what reading it leaves behind is wanted
