"""Takes what the access logs told out of the store, period by period, to be sealed with what was sampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.requests import RequestTally
from vawsum_agent.metrics.aggregate.distribution import Series
from vawsum_agent.metrics.aggregate.period import period_of
from vawsum_agent.metrics.aggregate.seal import Taken
from vawsum_agent.metrics.requests import METRICS, told_by
from vawsum_agent.state.request_tallies import delete_tallies

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from vawsum_agent.state.request_tallies import RequestTallies

_log = structlog.get_logger()

_MOST_AT_ONCE = 1000
_MOST_BYTES_AT_ONCE = 256 << 10
"""Rows are read so many at a time; catching up with an old log leaves more. With fifty virtual hosts to a row, what is
made of their bodies takes sixty times their memory."""

_EVER_MS = 2**62
_UNITS = {metric.name: metric.unit.value for metric in METRICS}


class SpooledTallies:
    """The tallies of periods that are over."""

    def __init__(self, rows: RequestTallies) -> None:
        self._rows = rows

    def take(self, open_periods: set[int], length_ms: int) -> Taken:
        """See `Tallies.take`. Those that can't be read are among the ids, to be removed with the others."""
        merged: dict[tuple[int, str], RequestTally] = {}
        ids = []
        rows = self._rows.before(_EVER_MS, _MOST_AT_ONCE, _MOST_BYTES_AT_ONCE)
        for row in rows:
            period_ms = period_of(row.minute_ms, length_ms)
            if period_ms in open_periods:
                continue
            ids.append(row.tally_id)
            try:
                tally = RequestTally.decode(row.body)
            except ValueError:
                _log.warning("tally_unreadable", minute_ms=row.minute_ms)
                continue
            merged.setdefault((period_ms, tally.source), RequestTally(tally.source)).merge(tally)
        found: dict[int, list[Series]] = {}
        for (period_ms, _), tally in merged.items():
            found.setdefault(period_ms, []).extend(
                Series(name, dimensions, _UNITS[name], values, counts)
                for name, dimensions, values, counts in told_by(tally)
            )
        # Where not all of these were taken, those behind them are of periods that are open, too.
        return Taken(found, ids, has_more=bool(rows) and len(ids) == len(rows))

    def forget(self, db: sqlite3.Connection, ids: Sequence[int]) -> None:
        """See `Tallies.forget`."""
        delete_tallies(db, ids)
