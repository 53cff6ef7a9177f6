"""What of an output is kept: its beginning and its end, however much there is in between. Holds no secret back."""

from __future__ import annotations

KEPT_BYTES = 64 << 10
"""Of the beginning, and once more of the end."""


class Capture:
    """Takes an output block by block, in memory that does not grow with it."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._first = bytearray()
        self._last = bytearray()
        self._all_bytes = 0

    def add(self, block: bytes) -> None:
        """Take what came next."""
        self._all_bytes += len(block)
        room = self._kept_bytes - len(self._first)
        self._first += block[:room]
        self._last += block[room:]
        if len(self._last) > 2 * self._kept_bytes:  # not at each block: what stays has to be moved
            del self._last[: -self._kept_bytes]

    @property
    def first(self) -> bytes:
        """The beginning."""
        return bytes(self._first)

    @property
    def last(self) -> bytes:
        """What came after the beginning: all of it, or its end."""
        return bytes(self._last[-self._kept_bytes :])

    @property
    def dropped_bytes(self) -> int:
        """How much came between `first` and `last`, and is gone."""
        return max(0, self._all_bytes - 2 * self._kept_bytes)
