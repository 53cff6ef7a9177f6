"""Metrics and their accepted data in memory, by namespace, name and exact set of dimensions."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

Dimensions = tuple[tuple[str, str], ...]


class MetricKey(NamedTuple):
    """What makes a metric the same metric: the dimensions as sorted pairs, all of them."""

    namespace: str
    name: str
    dimensions: Dimensions


class Statistics(NamedTuple):
    """A statistic set."""

    sample_count: float
    sum: float
    minimum: float
    maximum: float


class MetricDatum(NamedTuple):
    """One datum as accepted: `values` with how often each occurred, or `statistics` and neither."""

    timestamp_ms: int
    values: tuple[float, ...]
    counts: tuple[float, ...]
    statistics: Statistics | None
    unit: str
    resolution_s: int

    @property
    def sample_count(self) -> float:
        """How many samples it stands for."""
        return self.statistics.sample_count if self.statistics else sum(self.counts)


class StoredDatum(NamedTuple):
    """A datum and the request that brought it."""

    datum: MetricDatum
    request_id: str


class MetricStore:
    """All metrics. Threads may call it at once."""

    def __init__(self) -> None:
        self._metrics: dict[MetricKey, list[StoredDatum]] = {}
        self._lock = threading.Lock()

    def put(self, data: Iterable[tuple[MetricKey, MetricDatum]], request_id: str) -> None:
        """Store the data of one request, all of them or, if we end here, none anybody could read."""
        with self._lock:
            for key, datum in data:
                self._metrics.setdefault(key, []).append(StoredDatum(datum, request_id))

    def metrics(self) -> list[MetricKey]:
        """Return all metrics, in order of namespace, name and dimensions."""
        with self._lock:
            return sorted(self._metrics)

    def data(self, key: MetricKey) -> list[StoredDatum]:
        """Return what was accepted of one metric, in the order of acceptance; nothing where it does not exist."""
        with self._lock:
            return list(self._metrics.get(key, ()))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._metrics.clear()
