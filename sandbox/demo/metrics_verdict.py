"""The end of the metrics scene: the access log against CloudWatch, the daemon's ledger against the data. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox.records import MetricDatum

REQUEST_HEADINGS = ("requests", "in the access log", "at CloudWatch")
LEDGER_HEADINGS = ("metric data of the host", "count")
PERCENTILES = (50, 99)
NEAR = 0.1
VALUE_HEADINGS = ("metric at CloudWatch", "mean", "lowest", "highest", "samples")

_REQUEST = re.compile(r'" (\d{3}) (?:\d+|-) "[^"]*" "[^"]*" (\d+) \d+$')
"""The end of a line in combined with ``%D %T``: status and microseconds."""


class Distribution:
    """Values and how often each was met."""

    def __init__(self, samples: Iterable[tuple[float, float]]) -> None:
        counts: defaultdict[float, float] = defaultdict(float)
        for value, count in samples:
            counts[value] += count
        self._counts = dict(sorted(counts.items()))
        self.samples = round(sum(counts.values()))
        self.total = sum(value * count for value, count in counts.items())

    def percentile(self, percent: float) -> float:
        """Return the smallest value that at least so many percent are no larger than; 0 where there is none."""
        left = self.samples * percent / 100
        for value, count in self._counts.items():
            left -= count
            if left <= 0:
                return value
        return max(self._counts, default=0.0)

    def row(self, name: str) -> tuple[str, ...]:
        """Return a row for `VALUE_HEADINGS`."""
        if not self._counts:
            return (name, "-", "-", "-", "0")
        figures = (self.total / self.samples, min(self._counts), max(self._counts))
        return (name, *(f"{figure:,.1f}" for figure in figures), f"{self.samples:,}")


def distribution(rows: Iterable[MetricDatum]) -> Distribution:
    """Put data of one metric together."""
    return Distribution(pair for row in rows for pair in zip(row.values, row.counts, strict=True))


@dataclass(frozen=True, slots=True)
class Requests:
    """What visitors asked for: how often, how often the answer was 5xx, how long answers took in milliseconds."""

    count: int
    server_errors: int
    latency: Distribution

    def agrees_with(self, other: Requests) -> bool:
        """Whether both tell of as many requests, errors and latencies."""
        return self.counts == other.counts

    @property
    def counts(self) -> tuple[int, int, int]:
        """Requests, errors, latencies."""
        return self.count, self.server_errors, self.latency.samples


def read_log(lines: Iterable[str]) -> Requests:
    """Count the requests in an access log; a line in another form counts, but has no latency."""
    found = [_REQUEST.search(line) for line in lines]
    told = [match for match in found if match]
    errors = sum(match[1].startswith("5") for match in told)
    return Requests(len(found), errors, Distribution((int(match[2]) / 1000, 1) for match in told))


def read_metrics(rows: Sequence[MetricDatum], twice: int = 0) -> Requests:
    """Sum up what metrics tell of requests.

    Args:
        rows: data of any metrics, of one set of the host's dimensions.
        twice: how many data CloudWatch surely holds twice: then equal ones count once.
    """
    if twice:
        rows = list({_content(row): row for row in rows}.values())
    by_name = {name: distribution(row for row in rows if row.name == name) for name in _NAMES}
    requests, errors, latency = by_name.values()
    return Requests(round(requests.total), round(errors.total), latency)


def _content(row: MetricDatum) -> tuple[object, ...]:
    dimensions = frozenset(row.dimensions.items())
    return row.name, dimensions, row.timestamp_ms, tuple(row.values), tuple(row.counts)


_NAMES = ("http_requests", "http_responses_5xx", "http_latency")


class Ledger(NamedTuple):
    """What `status` says became of the metric data."""

    spooled: int
    accepted: int
    dropped: int
    waiting: int
    resent: int

    @property
    def is_settled(self) -> bool:
        """Whether all was accepted."""
        return self.spooled == self.accepted > 0 and not self.dropped and not self.waiting


def read_ledger(component: Mapping[str, Any]) -> Ledger:
    """Read the ledger in the `metrics` component of a status; all zero where there is none."""
    details = component.get("details", {})
    dropped = sum(details.get("dropped_data_by_reason", {}).values())
    spooled, accepted, waiting, resent = (
        details.get(f"{name}_data", 0) for name in ("spooled", "accepted", "waiting", "resent")
    )
    return Ledger(spooled, accepted, dropped, waiting, resent)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsVerdict:
    """What has to be right.

    Attributes:
        written: requests in the access log.
        told: requests at CloudWatch for the host.
        told_of_group: the same for the Auto Scaling group alone.
        ledger: what the daemon says.
        stored, stored_of_group: how many data CloudWatch holds of the host, and of the group alone.
        minutes_due, minutes_beaten: minutes in which the daemon ran, and those with a heartbeat.
        subjects: of the notifications.
        unlogged: visits that were served and stand in no file: then the proof itself would be worth nothing.
        violations: requests that broke a rule of the services.
    """

    written: Requests
    told: Requests
    told_of_group: Requests
    ledger: Ledger
    stored: int
    stored_of_group: int
    minutes_due: frozenset[int]
    minutes_beaten: frozenset[int]
    subjects: Sequence[str]
    unlogged: int
    violations: int

    @property
    def is_latency_alike(self) -> bool:
        """Whether both tell of latencies that are near each other: CloudWatch's are rounded (to 3.2 %) and packed."""
        pairs = [(self.written.latency.percentile(p), self.told.latency.percentile(p)) for p in PERCENTILES]
        return all(abs(told - written) <= NEAR * written for written, told in pairs)

    @property
    def twice(self) -> int:
        """How many data CloudWatch holds twice."""
        return self.stored - self.ledger.accepted

    def request_rows(self) -> list[tuple[str, ...]]:
        """Return rows for `REQUEST_HEADINGS`."""
        both = (self.written, self.told)
        return [
            ("all", *(f"{one.count:,}" for one in both)),
            ("answered with 5xx", *(f"{one.server_errors:,}" for one in both)),
            *((f"latency p{p}", *(f"{one.latency.percentile(p):,.2f} ms" for one in both)) for p in PERCENTILES),
        ]

    def ledger_rows(self) -> list[tuple[str, ...]]:
        """Return rows for `LEDGER_HEADINGS`."""
        ledger = self.ledger
        figures = {
            "spooled": ledger.spooled,
            "accepted": ledger.accepted,
            "dropped": ledger.dropped,
            "still waiting": ledger.waiting,
            "stored at CloudWatch": self.stored,
            "sent again for want of a clear answer: perhaps twice": ledger.resent,
            "really there twice": self.twice,
            "stored once more, for the Auto Scaling group": self.stored_of_group,
        }
        return [(name, f"{figure:,}") for name, figure in figures.items()]

    def promises(self) -> dict[str, bool]:
        """Return what was promised and whether it holds."""
        beaten = len(self.minutes_due & self.minutes_beaten)
        alerts = [subject for subject in self.subjects if subject.startswith("[DEGRADED] metrics on ")]
        return {
            "each request in the access log was counted once, with its latency": self.told.agrees_with(self.written)
            and self.written.server_errors > 0,
            f"latency differs by less than {NEAR:.0%}": self.is_latency_alike,
            "the Auto Scaling group tells the same": self.told_of_group.agrees_with(self.told),
            f"visits served that stand in no file: {self.unlogged}": not self.unlogged,
            "all that was spooled was accepted, nothing dropped": self.ledger.is_settled,
            "CloudWatch holds what the daemon says, and twice no more than it says": 0
            <= self.twice
            <= self.ledger.resent,
            f"minutes with a heartbeat: {beaten} of {len(self.minutes_due)}": beaten == len(self.minutes_due) > 0,
            f"notifications received: {len(self.subjects)}": len(alerts) == len(self.subjects) == 1,
            f"violations of the services' rules: {self.violations}": not self.violations,
        }
