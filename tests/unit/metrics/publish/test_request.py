"""Requests: the host's dimensions on every datum, each metric rolled up by group alone, within the limits."""

from __future__ import annotations

import gzip
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.metrics.aggregate.distribution import Series
from vawsum_agent.metrics.aggregate.period import chunks_of
from vawsum_agent.metrics.publish.request import MOST_BYTES, MOST_DATA, body_of, data_of, fill
from vawsum_agent.state.metric_spool import Chunk

HOST = (("InstanceId", "i-0abc"), ("AutoScalingGroupName", "web"))
MINUTE = 60_000


def shown(datum: dict[str, Any]) -> tuple[Any, ...]:
    """Return what matters of a datum."""
    dimensions = tuple((row["Name"], row["Value"]) for row in datum["Dimensions"])
    return datum["MetricName"], dimensions, datum["Values"], datum["Counts"]


def test_data_carry_the_host_and_its_group() -> None:
    """Each datum has the host's dimensions and its own; by group alone there is one for each name, of all series."""
    series = [
        Series("disk_used_percent", (("path", "/"),), "Percent", [10.0], [6]),
        Series("disk_used_percent", (("path", "/var"),), "Percent", [10.0, 20.0], [3, 3]),
    ]
    (chunk,) = chunks_of(MINUTE, series)
    data = [orjson.loads(datum) for datum in data_of(chunk, HOST)]
    assert [shown(datum) for datum in data] == [
        ("disk_used_percent", (*HOST, ("path", "/")), [10.0], [6]),
        ("disk_used_percent", (*HOST, ("path", "/var")), [10.0, 20.0], [3, 3]),
        ("disk_used_percent", (HOST[1],), [10.0, 20.0], [9, 3]),
    ]
    assert {datum["Timestamp"] for datum in data} == {60}


def test_without_a_group_there_is_no_roll_up() -> None:
    """On a laptop the group's dimension is left out, and with it the roll-up."""
    (chunk,) = chunks_of(MINUTE, [Series("load", (), "None", [1.0], [1])])
    (datum,) = map(orjson.loads, data_of(chunk, HOST[:1]))
    assert shown(datum) == ("load", HOST[:1], [1.0], [1])


def test_by_group_alone_nothing_is_there_twice() -> None:
    """Where the group is the only dimension that is configured, what is rolled up is not also there by itself."""
    series = [Series("load", (), "None", [1.0], [6]), Series("net", (("interface", "eth0"),), "Bytes", [5.0], [6])]
    (chunk,) = chunks_of(MINUTE, series)
    data = [shown(orjson.loads(datum)) for datum in data_of(chunk, HOST[1:])]
    assert data == [
        ("net", (HOST[1], ("interface", "eth0")), [5.0], [6]),
        ("load", (HOST[1],), [1.0], [6]),
        ("net", (HOST[1],), [5.0], [6]),
    ]


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(1, 150)), min_size=1, max_size=5))
def test_requests_keep_to_the_limits(periods: list[tuple[int, int]]) -> None:
    """However much waits, a request has at most 1,000 data and less than a megabyte, and all chunks are in one."""
    chunks = []
    for minute, (count, values) in enumerate(periods):
        series = [
            Series(
                f"metric_{at}",
                (("device", "x" * 200),),
                "Bytes",
                [at + x + 0.123456 for x in range(values)],
                [1] * values,
            )
            for at in range(count)
        ]
        chunks += chunks_of(minute * MINUTE, series)
    requests = list(fill(chunks, HOST))
    assert [chunk for taken, _ in requests for chunk in taken] == chunks
    for _, data in requests:
        assert len(data) <= MOST_DATA
        text = gzip.decompress(body_of("CWAgent", data))
        assert len(text) <= MOST_BYTES + 200
        assert len(orjson.loads(text)["MetricData"]) == len(data)


def test_an_unreadable_chunk_comes_alone() -> None:
    """A damaged chunk spoils no request of others."""
    (good,) = chunks_of(MINUTE, [Series("load", (), "None", [1.0], [1])])
    bad = Chunk(MINUTE, 1, b"nonsense")
    assert [(len(taken), len(data)) for taken, data in fill([good, bad, good], HOST[:1])] in (
        [(1, 0), (2, 2)],
        [(1, 1), (1, 0), (1, 1)],
    )


@given(st.text(max_size=1200))
def test_dimensions_are_what_the_service_takes(value: str) -> None:
    """Whatever a log, a mount or a server is called, its name does not get a request refused."""
    (chunk,) = chunks_of(MINUTE, [Series("http_requests", (("virtual_host", value),), "Count", [1.0], [1])])
    (datum,) = map(orjson.loads, data_of(chunk, HOST[:1]))
    sent = datum["Dimensions"][1]["Value"]
    assert sent.isascii()
    assert sent.isprintable()
    assert 1 <= len(sent) <= 1024
    assert sent.strip()
