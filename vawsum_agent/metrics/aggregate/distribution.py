"""Distributions: distinct values and how often each was read, as PutMetricData takes them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vawsum_agent.core.metric import Dimensions

MOST_VALUES = 150
"""API: MetricDatum, Values and Counts."""

_DIGITS = 6
"""Significant ones: a load of 0.123456 is worth no more bytes than that."""


class Series(NamedTuple):
    """What one metric with one set of dimensions came to in a period.

    Attributes:
        values: distinct, ascending; with ``counts``, each above zero.
    """

    name: str
    dimensions: Dimensions
    unit: str
    values: list[float]
    counts: list[float]


def distribution(counts: Mapping[float, float]) -> tuple[list[float], list[float]]:
    """Make Values and Counts of how often each value was met, at most `MOST_VALUES` of them.

    Where there are more, neighbours are put together at their mean: those that fewest samples lie in and that lie
    closest for their size, so that where most samples lie percentiles keep their precision. The sum and the number of
    samples stay what they are, and so do the least and the greatest.
    """
    pairs = sorted((value, count) for value, count in counts.items() if count > 0)
    while len(pairs) > MOST_VALUES:
        # A quarter at a time: more would have to take crowded ones, since none is put together twice at once.
        pairs = _fewer(pairs, min(len(pairs) - MOST_VALUES, len(pairs) // 4))
    return [value for value, _ in pairs], [count for _, count in pairs]


def _fewer(pairs: list[tuple[float, float]], excess: int) -> list[tuple[float, float]]:
    """Join up to ``excess`` pairs of neighbours, the two ends left alone, none joined twice."""
    cheapest = sorted(range(1, len(pairs) - 2), key=lambda at: (_blur(pairs[at], pairs[at + 1]), at))
    joined: set[int] = set()
    for at in cheapest:
        if len(joined) == excess:
            break
        if at - 1 not in joined and at + 1 not in joined:
            joined.add(at)
    result: list[tuple[float, float]] = []
    for at, (value, count) in enumerate(pairs):
        if at - 1 in joined:
            other, more = result[-1]
            result[-1] = ((value * count + other * more) / (count + more), count + more)
        else:
            result.append((value, count))
    return result


def _blur(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Tell how much joining two blurs: how many samples, by how great a part of their size."""
    return (one[1] + other[1]) * (other[0] - one[0]) / max(abs(one[0]), abs(other[0]))


def merged(series: Iterable[Series]) -> Series:
    """Put series of one metric together, whatever their dimensions; it has none then."""
    counts: dict[float, float] = {}
    name = unit = ""
    for one in series:
        name, unit = one.name, one.unit
        for value, count in zip(one.values, one.counts, strict=True):
            counts[value] = counts.get(value, 0) + count
    return Series(name, (), unit, *distribution(counts))


def rounded(value: float) -> float:
    """Keep six significant digits; whole numbers stay whole, however large."""
    if value == int(value):
        return value
    return float(f"{value:.{_DIGITS}g}")
