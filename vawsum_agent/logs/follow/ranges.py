"""Reading a generation again, somewhere before its position: what a batch was made of before a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.compressed import CorruptError

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.content import Content


class Ranges:
    """A second reader of the same file, so that the first stays where it is. Cheap in ascending order."""

    def __init__(self, content: Content) -> None:
        self._content = content.twin()

    def read(self, start: int, end: int) -> bytes | None:
        """Give the bytes from ``start`` to ``end``; None when the file does not have them all.

        In a compressed file everything before ``start`` is read first, in this one call.
        """
        pieces = []
        try:
            while start < end:
                piece = self._content.read_at(start, end - start) if self._reach(start) else b""
                if not piece:
                    return None
                pieces.append(piece)
                start += len(piece)
        except CorruptError:
            return None
        return b"".join(pieces)

    def close(self) -> None:
        """Give the descriptor back."""
        self._content.close()

    def _reach(self, offset: int) -> bool:
        cursor = -1
        while (is_there := self._content.reaches(offset)) is None and self._content.cursor > cursor:
            cursor = self._content.cursor
        return is_there is True
