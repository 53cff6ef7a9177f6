"""Finds where a statement of a dump ends, as the client that restores it will: past quotes and comments.

Bodies of routines, triggers and events are what people wrote, so they may hold anything, lines that look like the
dump's own among it. Whatever the blocks that a statement comes in, the end is the same.
"""

from __future__ import annotations

import re

_MARKS = {
    delimiter: re.compile(re.escape(delimiter) + rb"|['\"`#]|--(?=[\x00-\x20])|/\*(?!M?!)")
    for delimiter in (b";", b";;")
}
"""What ends a statement or begins what may hold its end. What stands in ``/*! */`` is part of the statement."""

_LOOK_AHEAD_BYTES = 3
"""A mark is told by what follows it: at most so many bytes after its first."""

_ESCAPED_OR_END = {quote: re.compile(rb"\\.|" + quote, re.DOTALL) for quote in (b"'", b'"')}
_CLOSED_BY = {b"#": b"\n", b"--": b"\n", b"/*": b"*/", b"'": b"'", b'"': b'"', b"`": b"`"}


class Statement:
    """One statement after the other.

    Attributes:
        delimiter: what ends them, ``;`` or ``;;``; to be changed between statements.
        sql_mode: under which they are read: it says what quotes and backslashes mean.
    """

    def __init__(self) -> None:
        self.delimiter = b";"
        self.sql_mode = b""
        self._until = b""  # what ends the string or comment that we are in; empty outside of both

    def skip(self, buffer: bytes, at: int, *, is_last: bool) -> tuple[int, bool]:
        """Go on in a statement.

        Args:
            buffer: a block of the dump.
            at: where in it the statement goes on.
            is_last: nothing comes after the buffer.

        Returns:
            How far everything is clear, and whether the statement ends there. The rest is wanted again, with more.
        """
        while True:
            at, is_closed = self._skip_quoted(buffer, at, is_last=is_last) if self._until else (at, True)
            if not is_closed:
                return at, False
            mark = _MARKS[self.delimiter].search(buffer, at)
            sure = len(buffer) if is_last else len(buffer) - _LOOK_AHEAD_BYTES
            if mark is None or mark.start() >= sure:
                return max(at, sure), False
            at = mark.end()
            if mark[0] == self.delimiter:
                return at, True
            self._until = _CLOSED_BY[mark[0]]

    def _skip_quoted(self, buffer: bytes, at: int, *, is_last: bool) -> tuple[int, bool]:
        until = self._until
        if until in _ESCAPED_OR_END and self._has_escapes(until):
            for found in _ESCAPED_OR_END[until].finditer(buffer, at):
                at = found.end()
                if found[0] == until:
                    self._until = b""
                    return at, True
            is_escape = buffer.find(b"\\", at) >= 0  # the last byte, and what it escapes has not come yet
            return len(buffer) - (is_escape and not is_last), False
        end = buffer.find(until, at)
        if end < 0:
            kept = 0 if is_last else len(until) - 1
            return max(at, len(buffer) - kept), False
        self._until = b""
        return end + len(until), True

    def _has_escapes(self, quote: bytes) -> bool:
        if b"NO_BACKSLASH_ESCAPES" in self.sql_mode:
            return False
        return quote == b"'" or b"ANSI_QUOTES" not in self.sql_mode
