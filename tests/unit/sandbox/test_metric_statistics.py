"""Statistics are those of the samples, whatever form they were sent in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.answers import ServiceError
from sandbox.aws.metric_queries import STATISTICS, read_filter, read_statistics_query
from sandbox.aws.metric_statistics import datapoints
from sandbox.aws.metric_store import MetricDatum, MetricKey, Statistics

MINUTE = 60_000


def sampled(at_ms: int, *values: float, counts: tuple[float, ...] = (), unit: str = "None") -> MetricDatum:
    """Return a datum of values."""
    return MetricDatum(at_ms, values, counts or (1.0,) * len(values), None, unit, 60)


def points(*data: MetricDatum, **more: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - parts of a query
    """Return all statistics by minute of the first ten minutes."""
    query: dict[str, Any] = {"start_ms": 0, "end_ms": 10 * MINUTE, "period_ms": MINUTE, "statistics": STATISTICS}
    return datapoints(data, **{**query, **more})


def test_data_fall_into_periods() -> None:
    """A period holds its first moment and not its last; what is outside the range is in none."""
    found = points(sampled(0, 1), sampled(MINUTE - 1, 2), sampled(MINUTE, 4), sampled(10 * MINUTE, 8), sampled(-1, 8))
    assert [(point["Timestamp"], point["Sum"]) for point in found] == [(0, 3), (60, 4)]


def test_counts_weigh_values() -> None:
    """Each value counts as often as it occurred."""
    (point,) = points(sampled(0, 10, 20, counts=(3, 1)))
    assert point == {
        "Timestamp": 0, "Unit": "None", "SampleCount": 4, "Sum": 50, "Average": 12.5, "Minimum": 10, "Maximum": 20,
    }  # fmt: skip


def test_units_are_kept_apart() -> None:
    """Data of one metric in two units give two data points."""
    found = points(sampled(0, 1, unit="Bytes"), sampled(0, 2, unit="Count"))
    assert [(point["Unit"], point["Sum"]) for point in found] == [("Bytes", 1), ("Count", 2)]


def test_percentiles_need_the_samples() -> None:
    """They are weighted by counts; a statistic set of unequal samples takes them away, one of equal samples doesn't."""
    known = sampled(0, 1, 2, 100, counts=(50, 49, 1))
    equal, unequal = (MetricDatum(0, (), (), Statistics(100, 200, 2, most), "None", 60) for most in (2, 3))
    ask: dict[str, Any] = {"statistics": (), "percentiles": ("p50", "p99", "p99.9", "p0")}
    assert points(known, **ask)[0]["ExtendedStatistics"] == {"p50": 1, "p99": 2, "p99.9": 100, "p0": 1}
    assert points(known, equal, **ask)[0]["ExtendedStatistics"]["p50"] == 2
    assert "ExtendedStatistics" not in points(known, unequal, **ask)[0]


@given(st.lists(st.lists(st.integers(-1000, 1000), min_size=1, max_size=20), min_size=1, max_size=5))
def test_figures_are_those_of_all_samples(lists: list[list[int]]) -> None:
    """Count, sum and bounds over any number of data are those of the samples in one heap."""
    (point,) = points(*(sampled(0, *(float(value) for value in values)) for values in lists))
    heap = [value for values in lists for value in values]
    assert (point["SampleCount"], point["Sum"], point["Minimum"], point["Maximum"]) == (
        len(heap), sum(heap), min(heap), max(heap),
    )  # fmt: skip


def asked(**changes: object) -> dict[str, Any]:
    """Return correct parameters of GetMetricStatistics with some replaced."""
    whole = {"Namespace": "n", "MetricName": "m", "StartTime": 90.5, "EndTime": 600, "Period": 60,
             "Statistics": ["Sum"], **changes}  # fmt: skip
    return {key: value for key, value in whole.items() if value is not None}


def test_queries_begin_at_whole_minutes_or_seconds() -> None:
    """The start is rounded down as the service does, so that a minute's data are one data point."""
    assert read_statistics_query(asked()).start_ms == 60_000
    assert read_statistics_query(asked(Period=300)).start_ms == 60_000
    assert read_statistics_query(asked(Period=1)).start_ms == 90_000


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"Namespace": None}, "Namespace is required"),
        ({"StartTime": None}, "StartTime is required"),
        ({"EndTime": 90}, "must be less than"),
        ({"Period": 61}, "The value 61"),
        ({"Period": 0}, "The value 0"),
        ({"Statistics": ["Mean"]}, "must be a value in the set [ SampleCount"),
        ({"Statistics": None}, "At least one of"),
        ({"ExtendedStatistics": ["p99"]}, "mutually exclusive"),
        ({"Statistics": None, "ExtendedStatistics": ["p101"]}, "The value p101"),
        ({"Statistics": 7}, "Statistics has the wrong type"),
        ({"Unit": "Apples"}, "must be a value in the set"),
        ({"EndTime": 91 + 1441 * 60}, "exceeds the limit of 1,440"),
    ],
)
def test_wrong_queries_are_refused(changes: dict[str, Any], part: str) -> None:
    """A query the service would not answer is not answered here."""
    with pytest.raises(ServiceError) as caught:
        read_statistics_query(asked(**changes))
    assert part in caught.value.message


def test_filters_name_dimensions_with_or_without_value() -> None:
    """A metric is listed when it has the dimensions asked for, perhaps beside others."""
    key = MetricKey("n", "m", (("a", "1"), ("b", "2")))
    assert read_filter({}).covers(key)
    assert read_filter({"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "a"}]}).covers(key)
    assert read_filter({"Dimensions": [{"Name": "a", "Value": "1"}]}).covers(key)
    for other in ({"Namespace": "x"}, {"MetricName": "x"}, {"Dimensions": [{"Name": "c"}]},
                  {"Dimensions": [{"Name": "a", "Value": "2"}]}):  # fmt: skip
        assert not read_filter(other).covers(key)
    for wrong in ({"RecentlyActive": "PT3H"}, {"Dimensions": ["a"]}, {"Dimensions": 7}):
        with pytest.raises(ServiceError):
            read_filter(wrong)
