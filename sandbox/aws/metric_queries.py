"""What GetMetricStatistics and ListMetrics ask for, read out of their parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.aws.metric_problems import Problems
from sandbox.aws.metric_rules import UNITS, check_dimensions, check_name, read_time_ms
from sandbox.aws.metric_store import MetricKey

if TYPE_CHECKING:
    from collections.abc import Sequence

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
POINTS_LIMIT_COUNT = 1_440
MINUTE_MS = 60_000
_SHORT_PERIODS_S = frozenset({1, 5, 10, 20, 30})
_PERCENTILE = re.compile(r"p(100|\d{1,2}(\.\d{1,10})?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """A request for statistics, within the rules. The periods begin at `start_ms`, rounded as the service does."""

    key: MetricKey
    start_ms: int
    end_ms: int
    period_ms: int
    statistics: tuple[str, ...]
    percentiles: tuple[str, ...]
    unit: str


def read_statistics_query(params: dict[str, Any]) -> StatisticsQuery:
    """Read the parameters of GetMetricStatistics, or raise what is wrong with them."""
    problems = Problems()
    key = MetricKey(
        check_name(params.get("Namespace"), "Namespace", problems),
        check_name(params.get("MetricName"), "MetricName", problems),
        check_dimensions(params.get("Dimensions"), "Dimensions", problems),
    )
    start_ms, end_ms = (_time(params, name, problems) for name in ("StartTime", "EndTime"))
    period_s = _period(params, problems)
    if start_ms >= end_ms:
        problems.invalid("The parameter StartTime must be less than the parameter EndTime.")
    unit = params.get("Unit", "")
    if unit and unit not in UNITS:
        problems.not_in("Unit", UNITS)
    statistics, percentiles = _kinds(params, problems)
    problems.settle()
    _check_points((end_ms - start_ms) // (period_s * 1000), problems)
    problems.settle()
    return StatisticsQuery(
        key=key,
        start_ms=start_ms - start_ms % min(period_s * 1000, MINUTE_MS),
        end_ms=end_ms,
        period_ms=period_s * 1000,
        statistics=statistics,
        percentiles=percentiles,
        unit=unit,
    )


def _time(params: dict[str, Any], name: str, problems: Problems) -> int:
    value = params.get(name)
    at_ms = read_time_ms(value)
    if value is None:
        problems.missing(name)
    elif at_ms is None:
        problems.unreadable(name)
    return at_ms or 0


def _period(params: dict[str, Any], problems: Problems) -> int:
    period_s = params.get("Period")
    if type(period_s) is not int:
        problems.missing("Period")
        return 60
    if period_s not in _SHORT_PERIODS_S and (period_s < 60 or period_s % 60):
        problems.value(period_s, "Period")
        return 60
    return period_s


def _kinds(params: dict[str, Any], problems: Problems) -> tuple[tuple[str, ...], tuple[str, ...]]:
    statistics, percentiles = (_list(params, name, problems) for name in ("Statistics", "ExtendedStatistics"))
    if bool(statistics) == bool(percentiles):
        both = ("Statistics", "ExtendedStatistics")
        problems.combination(both if statistics else (), both)
    for one in statistics:
        if one not in STATISTICS:
            problems.not_in("Statistics", STATISTICS)
    for one in percentiles:
        if not isinstance(one, str) or not _PERCENTILE.fullmatch(one):
            problems.value(one, "ExtendedStatistics")
    return tuple(statistics), tuple(percentiles)


def _list(params: dict[str, Any], name: str, problems: Problems) -> list[Any]:
    value = params.get(name) or []
    if isinstance(value, list):
        return value
    problems.unreadable(name)
    return []


def _check_points(count: int, problems: Problems) -> None:
    if count > POINTS_LIMIT_COUNT:
        problems.combined(
            f"You have requested up to {count:,} datapoints, which exceeds the limit of {POINTS_LIMIT_COUNT:,}. "
            "You may reduce the datapoints requested by increasing Period, or decreasing the time range."
        )


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """Which metrics ListMetrics is asked for. A dimension without value matches any."""

    namespace: str
    name: str
    dimensions: Sequence[tuple[str, str | None]]

    def covers(self, key: MetricKey) -> bool:
        """Whether a metric is one of those."""
        there = dict(key.dimensions)
        return (
            self.namespace in {"", key.namespace}
            and self.name in {"", key.name}
            and all(name in there and value in {None, there[name]} for name, value in self.dimensions)
        )


def read_filter(params: dict[str, Any]) -> MetricFilter:
    """Read the parameters of ListMetrics, or raise what is wrong with them."""
    problems = Problems()
    for key in sorted(set(params) - {"Namespace", "MetricName", "Dimensions", "NextToken"}):
        problems.invalid(f"the sandbox does not know {key}")
    namespace, name = (
        check_name(params[key], key, problems) if params.get(key) is not None else ""
        for key in ("Namespace", "MetricName")
    )
    wanted = []
    for number, one in enumerate(_list(params, "Dimensions", problems), 1):
        where = f"Dimensions.member.{number}"
        if not isinstance(one, dict):
            problems.unreadable(where)
            continue
        has_value = one.get("Value") is not None
        value = check_name(one["Value"], f"{where}.Value", problems) if has_value else None
        wanted.append((check_name(one.get("Name"), f"{where}.Name", problems), value))
    problems.settle()
    return MetricFilter(namespace, name, wanted)
