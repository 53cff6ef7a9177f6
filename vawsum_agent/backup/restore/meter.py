"""How far a restore is, told by many threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.backup.manifest import Frame

    Show = Callable[[str, int, int | None], None]
    """Told the phase, bytes of SQL done, and bytes in all where that is known."""


class Meter:
    """Counts the SQL that a server has taken. A frame that begins anew counts anew.

    Args:
        total_bytes: of all frames.
        show: told of it, by any thread, one at a time.
    """

    def __init__(self, total_bytes: int, show: Show) -> None:
        self._total_bytes = total_bytes
        self._show = show
        self._lock = threading.Lock()
        self._phase = ""
        self._done: dict[int, int] = {}
        self._done_bytes = 0
        self.loaded_bytes = 0

    def phase(self, name: str) -> None:
        """Begin one."""
        with self._lock:
            self._phase = name
            self._tell()

    def skip(self, frame: Frame) -> None:
        """Count one that an earlier run has done."""
        self._count(frame, frame.raw_bytes)

    def restart(self, frame: Frame) -> None:
        """Count it from its beginning."""
        with self._lock:
            self._done_bytes -= self._done.pop(frame.offset, 0)
            self._tell()

    def add(self, frame: Frame, count: int) -> None:
        """Count bytes that were taken."""
        with self._lock:
            self.loaded_bytes += count
        self._count(frame, count)

    def _count(self, frame: Frame, count: int) -> None:
        with self._lock:
            self._done[frame.offset] = self._done.get(frame.offset, 0) + count
            self._done_bytes += count
            self._tell()

    def _tell(self) -> None:
        self._show(self._phase, self._done_bytes, self._total_bytes)
