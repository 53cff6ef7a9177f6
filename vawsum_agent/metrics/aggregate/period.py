"""Seals periods: from rounds to the chunks of the spool. Pure."""

from __future__ import annotations

import zlib
from collections import defaultdict
from typing import TYPE_CHECKING

import orjson

from vawsum_agent.metrics.aggregate.distribution import MOST_VALUES, Series, distribution, rounded
from vawsum_agent.state.metric_spool import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vawsum_agent.core.metric import Dimensions, Metric, Reading

MOST_SERIES = 400
"""A chunk and its roll-up, which has no more data than the chunk, fit one request (API: 1,000 metrics)."""

MOST_VALUES_A_CHUNK = 12_000
"""With roll-up and names well below the megabyte of a request: a value and its count take some 30 bytes at most."""

_MOST_DISTINCT = 4 * MOST_VALUES
"""Values that are kept apart: an hour that is sampled each second has thousands."""


def period_of(at_ms: int, length_ms: int) -> int:
    """Tell when the period began that a moment lies in; periods begin on multiples of their length."""
    return at_ms - at_ms % length_ms


class Gathering:
    """The readings of one period, put together round by round; those of metrics that are not known are left out."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = metrics
        self._counts: defaultdict[tuple[str, Dimensions], dict[float, float]] = defaultdict(dict)

    def add(self, readings: Iterable[Reading]) -> None:
        """Add those of a round."""
        for name, value, dimensions in readings:
            if name not in self._metrics:
                continue
            counts = self._counts[name, dimensions]
            value = rounded(value)  # noqa: PLW2901 - what is read is not looked at again
            counts[value] = counts.get(value, 0) + 1
            if len(counts) >= _MOST_DISTINCT:
                self._counts[name, dimensions] = dict(zip(*distribution(counts), strict=True))

    def series(self) -> list[Series]:
        """Give what they come to."""
        return [
            Series(name, dimensions, self._metrics[name].unit.value, *distribution(counts))
            for (name, dimensions), counts in self._counts.items()
        ]


def series_of(readings: Iterable[Reading], metrics: Mapping[str, Metric]) -> list[Series]:
    """Put the readings of one period together."""
    gathering = Gathering(metrics)
    gathering.add(readings)
    return gathering.series()


def chunks_of(period_ms: int, series: Sequence[Series]) -> list[Chunk]:
    """Divide what a period came to into chunks that fit a request each, roll-up included."""
    return [Chunk(period_ms, len(part), encode_series(part)) for part in _parts(series)]


def _parts(series: Sequence[Series]) -> Iterator[list[Series]]:
    part: list[Series] = []
    values = 0
    # Those of one name stay together as far as possible: they are rolled up into one datum then.
    for one in sorted(series, key=lambda one: one.name):
        if part and (len(part) == MOST_SERIES or values + len(one.values) > MOST_VALUES_A_CHUNK):
            yield part
            part, values = [], 0
        part.append(one)
        values += len(one.values)
    if part:
        yield part


def encode_series(series: Iterable[Series]) -> bytes:
    """Write series for the spool: compressed, since names repeat."""
    return zlib.compress(orjson.dumps([*map(tuple, series)]), 6)


def decode_series(body: bytes) -> list[Series]:
    """Read what `encode_series` wrote. Raises ValueError on anything else."""
    try:
        return [
            Series(str(name), tuple((str(key), str(text)) for key, text in dimensions), str(unit), values, counts)
            for name, dimensions, unit, values, counts in orjson.loads(zlib.decompress(body))
        ]
    except (TypeError, ValueError, zlib.error) as exc:
        message = "unreadable chunk in the spool"
        raise ValueError(message) from exc


def halves(chunk: Chunk) -> list[Chunk]:
    """Divide a refused chunk in two. Raises ValueError when it can't be read."""
    series = decode_series(chunk.body)
    middle = len(series) // 2
    parts = (series[:middle], series[middle:])
    return [Chunk(chunk.period_ms, len(part), encode_series(part)) for part in parts if part]
