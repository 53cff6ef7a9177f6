"""Whose turn it is, among threads that send: one works on a file, the others wait for disk and network.

Threads that are all at work take Python's own lock from each other at every system call, some thirty times a file, and
each time one of them is woken up for nothing: twice the CPU, and fewer files a second than one thread alone.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


class Turn:
    """Held while working, given away while waiting. A context manager, not to be entered twice by one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder = 0

    def __enter__(self) -> Self:
        self._lock.acquire()
        self._holder = threading.get_ident()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder = 0
        self._lock.release()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let others have it while something is waited for; nothing happens where it is not held by this thread."""
        if self._holder != threading.get_ident():
            yield
            return
        self.__exit__(None, None, None)
        try:
            yield
        finally:
            self.__enter__()
