"""Until when the requests in access logs are counted: whoever judges by them has to know how old they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from vawsum_agent.logs.read.file_reader import FileReader
    from vawsum_agent.logs.read.source import Source


class Counting:
    """What the reader tells the counter of its sources, where they have one."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._counter = next((source.request_counter for source in sources if source.request_counter), None)
        self._has_files = False
        self._scanned_at = 0.0

    def scanned(self, began_at: float, readers: Iterable[FileReader]) -> None:
        """All files were looked at: what had been written when that began is noticed by now."""
        self._scanned_at = began_at
        self._has_files = any(reader.is_counted for reader in readers)

    def tell(self, waiting: Collection[FileReader], now: float) -> None:
        """Count what has to wait for CloudWatch Logs, and say how far that got: to the last scan, if to all ends."""
        if self._counter is not None and self._has_files:
            for reader in waiting:
                reader.count_ahead(now)
            behind = [reader.counted_until(now) for reader in waiting if reader.is_counted]
            self._counter.progress(min([self._scanned_at, *behind]))
