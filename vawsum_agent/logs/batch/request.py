"""One PutLogEvents call, ready to be sent."""

from __future__ import annotations

from isal import igzip

_COMPRESSION_LEVEL = 1


class Request:
    """One PutLogEvents call, compressed when it is first needed.

    That is by a sender: compressing gives the interpreter's lock away, and the reader goes on meanwhile.

    Attributes:
        count: its events.
        length: the bytes of the file they stand for.
        first_ms: their earliest time.
        last_ms: their latest time.
    """

    __slots__ = ("_body", "_text", "count", "first_ms", "last_ms", "length")

    def __init__(self, text: bytes, count: int, length: int, first_ms: int, last_ms: int) -> None:
        self._text: bytes | None = text
        self._body = b""
        self.count = count
        self.length = length
        self.first_ms = first_ms
        self.last_ms = last_ms

    @property
    def body(self) -> bytes:
        """Its JSON, gzipped. Two threads that ask at once get the same."""
        text = self._text
        if text is not None:
            self._body = igzip.compress(text, _COMPRESSION_LEVEL, mtime=0)
            self._text = None
        return self._body

    def compress(self) -> None:
        """Take a tenth of the memory from now on."""
        self.body  # noqa: B018 - what reading it leaves behind is wanted
