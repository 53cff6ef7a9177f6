"""Requests as metrics: what the tallies of a minute, counted in the access logs, are published as. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Metric, Unit
from vawsum_agent.core.requests import UNKNOWN_HOST, bucket_us

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.core.metric import Dimensions
    from vawsum_agent.core.requests import HostRequests, RequestTally

Told = tuple[str, "Dimensions", list[float], list[float]]
"""Name, dimensions, distinct values in ascending order, and how often each was met."""

MOST_VALUES = 150
"""API: MetricDatum, Values and Counts."""

_DIMENSIONS = ("source", "virtual_host")
_US_PER_MS = 1000

_REQUESTS = Metric("http_requests", Unit.COUNT, "requests in the access log", _DIMENSIONS, is_increase=True)
_ANSWERS = tuple(
    Metric(f"http_responses_{kind}", Unit.COUNT, f"requests answered with {kind}", _DIMENSIONS, is_increase=True)
    for kind in ("2xx", "3xx", "4xx", "5xx")
)
_BYTES = Metric("http_response_bytes", Unit.BYTES, "bytes sent in answers", _DIMENSIONS, is_increase=True)
_LATENCY = Metric(
    "http_latency",
    Unit.MILLISECONDS,
    "how long requests took, where the log has `%D` (or `%T`) behind common or combined; each to 3.2 %",
    _DIMENSIONS,
)

METRICS: tuple[Metric, ...] = (_REQUESTS, *_ANSWERS, _BYTES, _LATENCY)


def told_by(tally: RequestTally) -> list[Told]:
    """Turn the merged tally of one source and one minute into distributions.

    The dimension ``virtual_host`` is there where the log tells it (vhost_combined).
    """
    return [told for host, counted in tally.hosts.items() for told in _told(tally.source, host, counted)]


def _told(source: str, host: str, counted: HostRequests) -> list[Told]:
    dimensions: Dimensions = (("source", source),)
    if host != UNKNOWN_HOST:
        dimensions += (("virtual_host", host),)
    answers = (counted.answers_2xx, counted.answers_3xx, counted.answers_4xx, counted.answers_5xx)
    sums = zip((_REQUESTS, *_ANSWERS, _BYTES), (counted.requests, *answers, counted.sent_bytes), strict=True)
    told: list[Told] = [(metric.name, dimensions, [float(value)], [1.0]) for metric, value in sums]
    if counted.latency:
        told.append((_LATENCY.name, dimensions, *latencies_ms(counted.latency)))
    return told


def latencies_ms(buckets: Mapping[int, int]) -> tuple[list[float], list[float]]:
    """Make Values and Counts of latency buckets, at most `MOST_VALUES` of them.

    Where there are more, neighbours are put together at their mean: those that fewest requests lie in, so that what
    most requests took keeps its precision. The sum and the number of requests stay what they are.
    """
    pairs = [(bucket_us(bucket) / _US_PER_MS, float(count)) for bucket, count in sorted(buckets.items()) if count]
    while len(pairs) > MOST_VALUES:
        # A quarter at a time: more would have to take crowded ones, since none is put together twice at once.
        pairs = _fewer(pairs, min(len(pairs) - MOST_VALUES, len(pairs) // 4))
    return [value for value, _ in pairs], [count for _, count in pairs]


def _fewer(pairs: list[tuple[float, float]], excess: int) -> list[tuple[float, float]]:
    """Put up to ``excess`` pairs together with their neighbours, none twice."""
    by_count = sorted(range(len(pairs) - 1), key=lambda at: (pairs[at][1] + pairs[at + 1][1], at))
    joined: set[int] = set()
    for at in by_count:
        if len(joined) == excess:
            break
        if not joined & {at - 1, at + 1}:
            joined.add(at)
    fewer: list[tuple[float, float]] = []
    for at, (value, count) in enumerate(pairs):
        if at - 1 in joined:
            before, more = fewer.pop()
            fewer.append(((before * more + value * count) / (more + count), more + count))
        else:
            fewer.append((value, count))
    return fewer
