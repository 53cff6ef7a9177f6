"""Composes PutMetricData requests: the host's dimensions added, each metric rolled up by group. Pure."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson
from isal import igzip

from vawsum_agent.metrics.aggregate.distribution import merged
from vawsum_agent.metrics.aggregate.period import decode_series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vawsum_agent.core.metric import Dimensions
    from vawsum_agent.metrics.aggregate.distribution import Series
    from vawsum_agent.state.metric_spool import Chunk

MOST_DATA = 1000
"""API: PutMetricData, MetricData."""

MOST_BYTES = 900_000
"""API: a request has at most 1 MB, which is counted uncompressed; the rest is for its envelope."""

MOST_CHUNKS = 200
"""As many as a request could hold if each had five data."""

_GROUP = "AutoScalingGroupName"
_LONGEST_VALUE = 1024


def data_of(chunk: Chunk, host: Dimensions) -> list[bytes]:
    """Make the data of a chunk, each as JSON: those of this host, then the roll-up by its group alone.

    Raises:
        ValueError: the chunk can't be read.
    """
    series = decode_series(chunk.body)
    group = tuple(pair for pair in host if pair[0] == _GROUP)
    # Where the group is all that is configured, the roll-up has the same dimensions: CloudWatch would add both up.
    own = (one for one in series if one.dimensions or not group or host != group)
    data = [_datum(one, (*host, *one.dimensions), chunk.period_ms) for one in own]
    if group:
        by_name = groupby(sorted(series, key=attrgetter("name")), key=attrgetter("name"))
        data += [_datum(merged(ones), group, chunk.period_ms) for _, ones in by_name]
    return data


def _datum(series: Series, dimensions: Iterable[tuple[str, str]], period_ms: int) -> bytes:
    datum: dict[str, Any] = {
        "MetricName": series.name,
        "Dimensions": [{"Name": name, "Value": _dimension(value)} for name, value in dimensions],
        "Timestamp": period_ms // 1000,
        "Unit": series.unit,
        "Values": series.values,
        "Counts": series.counts,
    }
    return orjson.dumps(datum)


def _dimension(value: str) -> str:
    """Make a value that the service takes (API: Dimension): ASCII that can be printed, not blank, not too long."""
    if value.isascii() and value.isprintable() and not value.isspace() and 0 < len(value) <= _LONGEST_VALUE:
        return value
    plain = "".join(character if character.isascii() and character.isprintable() else "?" for character in value)
    return plain[:_LONGEST_VALUE].strip() or "-"


def fill(chunks: Iterable[Chunk], host: Dimensions) -> Iterator[tuple[list[Chunk], list[bytes]]]:
    """Divide chunks into requests, in their order, as full as the limits let them be.

    A chunk that can't be read comes without data, alone.
    """
    taken: list[Chunk] = []
    data: list[bytes] = []
    size = 0
    for chunk in chunks:
        try:
            more = data_of(chunk, host)
        except ValueError:
            yield [chunk], []
            continue
        length = sum(map(len, more)) + len(more)
        if taken and (len(data) + len(more) > MOST_DATA or size + length > MOST_BYTES):
            yield taken, data
            taken, data, size = [], [], 0
        taken.append(chunk)
        data += more
        size += length
    if taken:
        yield taken, data


def body_of(namespace: str, data: Sequence[bytes]) -> bytes:
    """Write a request, compressed (the service takes ``Content-Encoding: gzip``)."""
    text = b'{"Namespace":%b,"MetricData":[%b]}' % (orjson.dumps(namespace), b",".join(data))
    return igzip.compress(text, 1, mtime=0)
