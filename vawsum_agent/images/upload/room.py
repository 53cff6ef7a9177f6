"""How many bytes of pictures are held in memory at once, however many are uploaded side by side."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOM_BYTES = 24 << 20
"""Hundreds of usual pictures, or one and a half of the largest that are sent in one piece."""


class Room:
    """Threads take their share of it, in the order in which they ask: a large one is not passed for ever."""

    def __init__(self, all_bytes: int = ROOM_BYTES) -> None:
        self._all_bytes = all_bytes
        self._free_bytes = all_bytes
        self._first = threading.Lock()
        self._given_back = threading.Condition()

    @contextmanager
    def taken(self, count: int) -> Iterator[None]:
        """Wait until so many bytes are free, and keep them for as long as the context lasts.

        What is more than there is at all takes everything.
        """
        count = min(count, self._all_bytes)
        with self._first, self._given_back:
            self._given_back.wait_for(lambda: self._free_bytes >= count)
            self._free_bytes -= count
        try:
            yield
        finally:
            with self._given_back:
                self._free_bytes += count
                self._given_back.notify_all()
