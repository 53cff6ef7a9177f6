"""Requests as metrics: what the tallies of a minute, counted in the access logs, are published as. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Metric, Unit
from vawsum_agent.core.requests import UNKNOWN_HOST, bucket_us
from vawsum_agent.metrics.aggregate.distribution import distribution

if TYPE_CHECKING:
    from vawsum_agent.core.metric import Dimensions
    from vawsum_agent.core.requests import HostRequests, RequestTally

Told = tuple[str, "Dimensions", list[float], list[float]]
"""Name, dimensions, distinct values in ascending order, and how often each was met."""

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
        latencies = {bucket_us(bucket) / _US_PER_MS: float(count) for bucket, count in counted.latency.items()}
        told.append((_LATENCY.name, dimensions, *distribution(latencies)))
    return told
