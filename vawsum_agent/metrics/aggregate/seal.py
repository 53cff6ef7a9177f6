"""Seals periods that are over: rounds and request tallies go into the spool as chunks, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from vawsum_agent.metrics.aggregate.period import Gathering, chunks_of, period_of
from vawsum_agent.metrics.sample.rounds import decode_readings

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from vawsum_agent.core.metric import Metric
    from vawsum_agent.metrics.aggregate.distribution import Series
    from vawsum_agent.state.metric_spool import Chunk, MetricSpool

_log = structlog.get_logger()

GRACE_MS = 5_000
"""How long after its end a period stays open: the last access log lines of a minute are accepted a little later."""


class Taken(NamedTuple):
    """What tallies came to.

    Attributes:
        series: by period.
        ids: of the rows they are from.
        has_more: there may be more of periods that are over.
    """

    series: dict[int, list[Series]]
    ids: list[int]
    has_more: bool


class Tallies(Protocol):
    """What the access logs told, waiting to be sealed."""

    def take(self, open_periods: set[int], length_ms: int) -> Taken:
        """Read what is of periods that are not open, as much as may be in memory at once."""
        ...

    def forget(self, db: sqlite3.Connection, ids: Sequence[int]) -> None:
        """Remove rows, inside a transaction of the caller's."""
        ...


class Sealer:
    """Turns what is over into chunks.

    Attributes:
        latest_count: data of the latest period that was sampled to its end; None before the first.
        has_more: the last call left something that is over, for the next one.
    """

    def __init__(
        self, spool: MetricSpool, tallies: Tallies | None, metrics: Mapping[str, Metric], length_ms: int
    ) -> None:
        self._spool = spool
        self._tallies = tallies
        self._metrics = metrics
        self._length_ms = length_ms
        self.latest_count: int | None = None
        self.has_more = False

    def seal(self, now_ms: int, *, is_everything: bool = False) -> int | None:
        """Seal the periods that are over, or all; returns when the latest sealed one of rounds began.

        A clock that was set back leaves rounds in periods to come: those are over as well.

        Raises:
            StateError: nothing is sealed; trying again repeats nothing.
        """
        is_open = set() if is_everything else {period_of(at, self._length_ms) for at in (now_ms, now_ms - GRACE_MS)}
        readings: defaultdict[int, Gathering] = defaultdict(lambda: Gathering(self._metrics))
        round_ids = []
        for taken in self._spool.rounds():
            period_ms = period_of(taken.at_ms, self._length_ms)
            if period_ms in is_open:
                continue
            round_ids.append(taken.round_id)
            try:
                readings[period_ms].add(decode_readings(self._spool.round_body(taken.round_id)))
            except ValueError:
                _log.warning("round_unreadable", at_ms=taken.at_ms)
        told, tally_ids, self.has_more = self._taken(is_open)
        if not round_ids and not tally_ids:
            return None
        chunks: list[Chunk] = []
        for period_ms in sorted({*readings, *told}):
            sampled = readings[period_ms].series() if period_ms in readings else []
            chunks += chunks_of(period_ms, [*sampled, *told.get(period_ms, ())])

        def forget_tallies(db: sqlite3.Connection) -> None:
            if self._tallies is not None:
                self._tallies.forget(db, tally_ids)

        dropped = self._spool.seal(chunks, round_ids, forget_tallies)
        if dropped:
            _log.warning("metrics_dropped", reason="spool_full", data=dropped, error="")
        latest_ms = max(readings, default=None)
        if latest_ms is not None:
            self.latest_count = sum(chunk.data_count for chunk in chunks if chunk.period_ms == latest_ms)
        return latest_ms

    def _taken(self, open_periods: set[int]) -> Taken:
        if self._tallies is None:
            return Taken({}, [], has_more=False)
        return self._tallies.take(open_periods, self._length_ms)
