"""Counts the rows of an INSERT statement in a dump, and finds its end; the hot path, so over whole blocks.

Two forms. MariaDB's client of our days writes a row a line; MySQL's and older ones write all rows of a statement in one
line, which may be gigabytes long. In both, values hold no raw newline: clients write it as two characters.
"""

from __future__ import annotations

import re
from typing import Protocol

INSERT = re.compile(rb"INSERT INTO `(?:[^`]|``)*+`(?: \((?:(?:, ?)?`(?:[^`]|``)*+`)*+\))? VALUES(?:(\n)| )(?=\()")
"""What comes before the rows; group 1 where there is a row a line."""

_MOST_BACKTICKS = 64
_LEAD_BYTES = 64
_BETWEEN_ROWS = b"),("


class Rows(Protocol):
    """The rows of one statement."""

    count: int

    def take(self, buffer: bytes, at: int) -> tuple[int, bool]:
        """Count.

        Args:
            buffer: a block of the dump.
            at: where in it the rows go on.

        Returns:
            How far it got, and whether the statement ends there. The rest, one byte at most, is wanted again.
        """
        ...


class LinedRows:
    """A row a line."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, buffer: bytes, at: int) -> tuple[int, bool]:
        """See `Rows`."""
        end = self._end(buffer, at)
        is_over = end >= 0
        if not is_over:
            end = len(buffer) - buffer.endswith(b";")  # whether it is the end is told by the byte after it
        self.count += buffer.count(b"\n", at, end)
        return end, is_over

    def _end(self, buffer: bytes, at: int) -> int:
        r"""Find what comes after ``;\n``; -1 where there is none.

        To search for that itself takes longer than to compress a tenth of it. But the statement behind it names a
        table, and a backtick, rare in data, is found at memory's speed: so look whether it stands in one.
        """
        looked = at
        for _ in range(_MOST_BACKTICKS):
            tick = buffer.find(b"`", looked)
            if tick < 0:
                break
            if b";\n" in buffer[max(at, tick - _LEAD_BYTES) : tick]:
                return _end_before(buffer, at, tick)
            looked = tick + 1
        else:  # a text about SQL, or Markdown
            found = buffer.find(b";\n", at)
            return found + 2 if found >= 0 else -1
        newline = buffer.rfind(b"\n", at)
        is_after_row = newline <= at or buffer[newline - 1 : newline] == b","
        return -1 if is_after_row else _end_before(buffer, at, newline + 1)


def _end_before(buffer: bytes, at: int, line: int) -> int:
    """Go back from a line that is no row to the end of the last row."""
    while True:
        newline = buffer.rfind(b"\n", at, line)
        begin = buffer.rfind(b"\n", at, newline) + 1
        if begin <= at or buffer.startswith(b"(", begin):
            return newline + 1
        line = newline


class PackedRows:
    """All rows in one line. Counted is what parts them, outside of strings."""

    def __init__(self) -> None:
        self.count = 1
        self._is_in_string = False
        self._kept = b""  # the begin of an escape, or of what parts rows

    def take(self, buffer: bytes, at: int) -> tuple[int, bool]:
        """See `Rows`."""
        newline = buffer.find(b"\n", at)
        end = newline + 1 if newline >= 0 else len(buffer)
        self._count(self._kept + buffer[at:end])
        return end, newline >= 0

    def _count(self, data: bytes) -> None:
        self._kept = b""
        if b"\\" in data:
            if (len(data) - len(data.rstrip(b"\\"))) % 2:
                data, self._kept = data[:-1], b"\\"
            # Whole escapes first: what is left before a quote escapes it.
            data = data.replace(b"\\\\", b"").replace(b"\\'", b"")
        parts = data.split(b"'")
        outside = b"'".join(parts[self._is_in_string :: 2])
        self._is_in_string ^= len(parts) % 2 == 0
        self.count += outside.count(_BETWEEN_ROWS)
        if not self._is_in_string:
            last = parts[-1]
            self._kept += next((rest for rest in (b"),", b")") if last.endswith(rest)), b"")
