"""Counts what the reader reads, once for both who want to know: the tallies of a batch, and the requests of late.

Tallies belong to their batch and are the same whenever it is made. The requests of late are counted when they are read,
whatever CloudWatch Logs answers, each byte of a file once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.layout import Layout, Run
from vawsum_agent.logs.requests.parts import SECOND_MS
from vawsum_agent.logs.requests.tally import count, tallies_of

if TYPE_CHECKING:
    from vawsum_agent.core.recent_requests import RecentRequests
    from vawsum_agent.logs.requests.tally import Periods, Tallies
    from vawsum_agent.logs.requests.visits import OwnVisits


class RequestCounter:
    """Counts for all sources.

    Args:
        own: what the agent itself asked for; it is left out.
        recent: is told what is read; None where nobody asks for it.
        keeps_tallies: False where nobody publishes tallies: then there are none.
        delay_s: how long a line waits, when all is well, until it is counted.
    """

    def __init__(
        self, own: OwnVisits, recent: RecentRequests | None, *, keeps_tallies: bool, delay_s: float = 0.0
    ) -> None:
        self._own = own
        self._recent = recent
        self._keeps_tallies = keeps_tallies
        self._delay_s = delay_s

    def count(self, source: str, block: bytes, layout: Layout, file_id: int, start: int) -> Tallies:
        """Count the requests in what a batch is made of.

        Args:
            source: name of the `[[logs.source]]`.
            block: of the file, from ``start`` on.
            layout: where its lines are and when they were.
            file_id: of the file.
            start: in bytes of the file.
        """
        periods = self._count_new(block, layout, file_id, start, skips_old=not self._keeps_tallies)
        if not self._keeps_tallies:
            return []
        return tallies_of(source, count(block, layout, self._own) if periods is None else periods)

    @property
    def counts_ahead(self) -> bool:
        """Whether anybody wants to know of requests before they are shipped."""
        return self._recent is not None

    def count_ahead(self, block: bytes, layout: Layout, file_id: int, start: int) -> None:
        """Count what is in no batch yet, for the requests of late alone; see `count`."""
        self._count_new(block, layout, file_id, start, skips_old=True)

    def progress(self, counted_until: float) -> None:
        """Note that what was logged before a moment is counted."""
        if self._recent is not None:
            self._recent.progress(counted_until, self._delay_s)

    def _count_new(self, block: bytes, layout: Layout, file_id: int, start: int, *, skips_old: bool) -> Periods | None:
        """Have what was not counted before among the requests of late; None when that is not all of the block."""
        if self._recent is None:
            return None
        seen = self._recent.take(file_id, start, start + len(block)) - start
        if seen == 0:
            return self._count_seconds(self._recent, block, layout, skips_old=skips_old)
        if seen < len(block):
            self._count_seconds(self._recent, block[seen:], _beyond(layout, seen), skips_old=True)
        return None

    def _count_seconds(self, recent: RecentRequests, block: bytes, layout: Layout, *, skips_old: bool) -> Periods:
        from_ms = recent.oldest() * SECOND_MS
        if skips_old and all(run.time_ms < from_ms for run in layout.runs):
            return {}
        periods = count(block, layout, self._own, from_ms)
        for begin_ms, hosts in periods.items():
            if begin_ms >= from_ms:
                recent.add(begin_ms // SECOND_MS, hosts)
        return periods


def _beyond(layout: Layout, seen: int) -> Layout:
    """Lay out what is left of a block behind its first bytes."""
    runs: list[Run] = []
    for length, time_ms in layout.runs:
        left = length - max(0, seen)
        seen -= length
        if left > 0:
            runs.append(Run(left, time_ms))
    return Layout(runs, layout.is_by_line, layout.has_no_empty)
