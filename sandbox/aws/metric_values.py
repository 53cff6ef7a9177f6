"""The rules of PutMetricData for what a datum measures: one value, values with counts, or a statistic set."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sandbox.aws.metric_store import Statistics

if TYPE_CHECKING:
    from sandbox.aws.metric_problems import Problems

VALUES_LIMIT_COUNT = 150
LARGEST = 1.174271e108
SMALLEST = 8.515920e-109
"""Of values other than 0. The reference gave these bounds for a decade and gives ±2^360 today; both are kept here."""
_KINDS = ("Value", "StatisticValues", "Values")
_NOT_NUMBERS = frozenset({"NaN", "Infinity", "-Infinity"})


def check_values(
    where: str, datum: dict[str, Any], problems: Problems
) -> tuple[tuple[float, ...], tuple[float, ...], Statistics | None]:
    """Return values, their counts and the statistic set, of which a datum has the first two or the last."""
    given = [f"{where}.{kind}" for kind in _KINDS if datum.get(kind) is not None]
    if len(given) != 1:
        problems.combination(given, [f"{where}.{kind}" for kind in _KINDS])
        return (), (), None
    if datum.get("Counts") is not None and datum.get("Values") is None:
        problems.combined(f"The parameter {where}.Counts must not be specified without {where}.Values.")
    if datum.get("StatisticValues") is not None:
        return (), (), _check_statistics(datum["StatisticValues"], f"{where}.StatisticValues", problems)
    if datum.get("Value") is not None:
        return (_check_number(datum["Value"], f"{where}.Value", problems),), (1.0,), None
    return (*_check_distribution(where, datum, problems), None)


def _check_distribution(
    where: str, datum: dict[str, Any], problems: Problems
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    values = _check_list(datum["Values"], f"{where}.Values", problems)
    if datum.get("Counts") is None:
        return values, (1.0,) * len(values)
    counts = _check_list(datum["Counts"], f"{where}.Counts", problems)
    if len(counts) != len(values):
        problems.combined(f"The parameters {where}.Values and {where}.Counts must have the same size.")
    for number, count in enumerate(counts, 1):
        if count <= 0:
            problems.value(count, f"{where}.Counts.member.{number}")
    return values, counts


def _check_list(value: object, where: str, problems: Problems) -> tuple[float, ...]:
    if not isinstance(value, list):
        problems.unreadable(where)
        return ()
    if not value:
        problems.missing(where)
    if len(value) > VALUES_LIMIT_COUNT:
        problems.oversized(where, VALUES_LIMIT_COUNT)
        return ()
    return tuple(_check_number(one, f"{where}.member.{number}", problems) for number, one in enumerate(value, 1))


def _check_statistics(value: object, where: str, problems: Problems) -> Statistics | None:
    if not isinstance(value, dict):
        problems.unreadable(where)
        return None
    numbers = []
    for key in ("SampleCount", "Sum", "Minimum", "Maximum"):
        if value.get(key) is None:
            problems.missing(f"{where}.{key}")
        numbers.append(_check_number(value.get(key, 0), f"{where}.{key}", problems))
    found = Statistics(*numbers)
    if found.sample_count <= 0:
        problems.value(found.sample_count, f"{where}.SampleCount")
    if found.minimum > found.maximum:
        problems.combined(f"The parameter {where}.Minimum must not be greater than {where}.Maximum.")
    return found


def _check_number(value: object, where: str, problems: Problems) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        if isinstance(value, str) and value in _NOT_NUMBERS:
            problems.value(value, where)
        else:
            problems.unreadable(where)
        return 0.0
    size = abs(value)
    if size > LARGEST or 0 < size < SMALLEST or math.isnan(size):
        problems.value(value, where)
        return 0.0
    return float(value)
