"""Counts requests that wait to be shipped: while CloudWatch Logs refuses, a file is not read on, and yet asked about.

It only looks: what it counts is read again in its turn, and then counted no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.stamp import Stamper

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.tail import Tail
    from vawsum_agent.logs.formats.format import Format
    from vawsum_agent.logs.read.source import RequestCounter

PIECE_BYTES = 1 << 20
_PIECES_A_LOOK = 4
_FARTHEST_BYTES = 8 << 20
"""Of more that waits, as after a day without CloudWatch, only the end is of now."""


class Ahead:
    """Looks at what lies before a file's reader. Used by the reader thread alone."""

    def __init__(self, tail: Tail, log_format: Format, counter: RequestCounter) -> None:
        self._tail = tail
        self._counter = counter
        self._stamper = Stamper(log_format)
        self._counted_to = 0
        self._seen_to = 0

    def look(self, start: int, now: float) -> None:
        """Count the whole lines from ``start`` to the end of the file, or as much as fits one look."""
        end = self._end()
        if end is None:
            return
        begin = max(start, self._counted_to)
        is_line = end - begin <= _FARTHEST_BYTES
        begin = begin if is_line else end - _FARTHEST_BYTES
        for _ in range(_PIECES_A_LOOK):
            if begin >= end or (block := self._tail.read_range(begin, min(end, begin + PIECE_BYTES))) is None:
                break
            head = 0 if is_line else block.find(b"\n") + 1
            whole = block.rfind(b"\n") + 1
            self._count(block[head:whole], begin + head, now)
            is_line = True
            self._seen_to = begin + len(block)
            # A line longer than that is no request; what is left of a shorter one is looked at when it is whole.
            self._counted_to = self._seen_to if len(block) == PIECE_BYTES and whole == 0 else begin + whole
            if self._counted_to == begin:
                break
            begin = self._counted_to

    def has_seen_all(self) -> bool:
        """Whether nothing was added since the last look."""
        end = self._end()
        return end is not None and self._seen_to >= end

    def _end(self) -> int | None:
        """Where the file ends; None where that can't be told, or not be read without reading all before it."""
        unread = self._tail.unread_bytes()
        if unread is None or self._tail.content is None or self._tail.content.is_compressed:
            return None
        return self._tail.position + unread

    def _count(self, block: bytes, start: int, now: float) -> None:
        if block:
            layout = self._stamper.layout(block, now, counts_too_old=False)
            self._counter.count_ahead(block, layout, self._tail.file_id, start)
