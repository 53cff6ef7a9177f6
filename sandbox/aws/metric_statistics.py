"""Statistics over stored data, as GetMetricStatistics gives them. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.aws.metric_store import MetricDatum


class Summary:
    """What the data of one period and unit amount to."""

    def __init__(self, data: Sequence[MetricDatum]) -> None:
        self._samples: list[tuple[float, float]] = []
        self._is_exact = True
        self.count = self.total = 0.0
        self.lowest, self.highest = float("inf"), float("-inf")
        for datum in data:
            self._add(datum)

    def _add(self, datum: MetricDatum) -> None:
        found = datum.statistics
        if found is None:
            self._samples += zip(datum.values, datum.counts, strict=True)
            self.total += sum(value * count for value, count in zip(datum.values, datum.counts, strict=True))
            lowest, highest = min(datum.values), max(datum.values)
        else:
            # A set of equal samples is as good as the samples; of any other the order is gone.
            self._is_exact &= found.minimum == found.maximum
            self._samples.append((found.minimum, found.sample_count))
            self.total += found.sum
            lowest, highest = found.minimum, found.maximum
        self.count += datum.sample_count
        self.lowest, self.highest = min(self.lowest, lowest), max(self.highest, highest)

    def percentile(self, percent: float) -> float | None:
        """Return the smallest sample that at least so many percent are no larger than; None where samples are gone."""
        if not self._is_exact:
            return None
        left = self.count * percent / 100
        for value, count in sorted(self._samples):
            left -= count
            if left <= 0:
                return value
        return self.highest


def datapoints(
    data: Iterable[MetricDatum],
    *,
    start_ms: int,
    end_ms: int,
    period_ms: int,
    statistics: Iterable[str] = (),
    percentiles: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Return one data point for each period and unit that has data, oldest first.

    Args:
        data: of one metric.
        start_ms: where the first period begins.
        end_ms: the first moment behind the last period.
        period_ms: how long a period is.
        statistics: of `SampleCount`, `Average`, `Sum`, `Minimum`, `Maximum`.
        percentiles: such as `p99.9`.
    """
    periods: dict[tuple[int, str], list[MetricDatum]] = defaultdict(list)
    for datum in data:
        if start_ms <= datum.timestamp_ms < end_ms:
            begun_ms = datum.timestamp_ms - (datum.timestamp_ms - start_ms) % period_ms
            periods[begun_ms, datum.unit].append(datum)
    return [
        {"Timestamp": begun_ms / 1000, "Unit": unit, **_figures(Summary(found), statistics, percentiles)}
        for (begun_ms, unit), found in sorted(periods.items())
    ]


def _figures(summary: Summary, statistics: Iterable[str], percentiles: Iterable[str]) -> dict[str, Any]:
    known = {
        "SampleCount": summary.count,
        "Average": summary.total / summary.count,
        "Sum": summary.total,
        "Minimum": summary.lowest,
        "Maximum": summary.highest,
    }
    figures: dict[str, Any] = {name: known[name] for name in statistics}
    extended = {text: summary.percentile(float(text[1:])) for text in percentiles}
    exact = {text: value for text, value in extended.items() if value is not None}
    return {**figures, "ExtendedStatistics": exact} if exact else figures
