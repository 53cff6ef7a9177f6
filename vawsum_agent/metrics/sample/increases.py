"""From running totals to what was added since the round before. Pure.

The totals of the last round are kept in the store, so that an agent that was restarted counts on from where it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_GAP_S = 300.0
"""After a longer gap the increase would stand in one moment for what happened over hours: it is left out."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The totals of a round.

    Attributes:
        boot_id: of the machine; its counters begin anew with it.
        at: wall time of each source's look, in seconds.
        totals: by source, then by the source's own key.
    """

    boot_id: str
    at: Mapping[str, float] = field(default_factory=dict)
    totals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Write it for the store."""
        return orjson.dumps({"boot_id": self.boot_id, "at": self.at, "totals": self.totals})


def read_baseline(body: bytes | None, boot_id: str) -> Baseline:
    """Read what `Baseline.encode` wrote; nothing of it counts where it is damaged or of another boot."""
    nothing = Baseline(boot_id)
    if body is None:
        return nothing
    try:
        document = orjson.loads(body)
        if document["boot_id"] != boot_id:
            return nothing
        at = {str(source): float(moment) for source, moment in document["at"].items()}
        totals = {
            str(source): {str(key): float(total) for key, total in counters.items()}
            for source, counters in document["totals"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError):
        return nothing
    return Baseline(boot_id, at, totals)


def increases(before: Mapping[str, float], now: Mapping[str, float], wraps_at: float | None) -> dict[str, float]:
    """Subtract totals, key by key; those seen for the first time are left out.

    A total that is smaller than before began anew (a server was restarted) and its increase is what it shows now,
    unless it is one that wraps and was near its end.

    ``wraps_at`` is the value that a counter of this source can't reach; None when its counters never wrap.
    """
    return {key: _increase(before[key], total, wraps_at) for key, total in now.items() if key in before}


def _increase(before: float, now: float, wraps_at: float | None) -> float:
    if now >= before:
        return now - before
    if wraps_at is not None and wraps_at / 2 < before < wraps_at:
        around = now + wraps_at - before
        if around < wraps_at / 2:
            return around
    return max(now, 0.0)
