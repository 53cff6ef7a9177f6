"""Tallies as metrics: names and dimensions, and distributions that CloudWatch takes without loss of what matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.metric import Unit
from vawsum_agent.core.requests import (
    LONGEST_HOST,
    MOST,
    MOST_HOSTS,
    OTHER_HOSTS,
    HostRequests,
    RequestTally,
    bucket_us,
    latency_buckets,
)
from vawsum_agent.metrics.aggregate.distribution import MOST_VALUES, Series, merged
from vawsum_agent.metrics.requests import METRICS, told_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.core.metric import Dimensions

LATENCIES = st.integers(0, MOST - 1) | st.integers(0, 10_000_000)


def published(buckets: Mapping[int, int]) -> tuple[list[float], list[float]]:
    """What latencies are published as: values and counts."""
    told = told_by(RequestTally("web", {"": HostRequests(1, latency=dict(buckets))}))
    ((values, counts),) = ((values, counts) for name, _, values, counts in told if name == "http_latency")
    return values, counts


def test_what_a_tally_is_published_as() -> None:
    """Each count of each virtual host, with zeros, under the source's name; the host only where the log tells it."""
    counted = HostRequests(10, 6, 2, 1, 1, 5000, dict(latency_buckets([1000] * 3)))
    told = told_by(RequestTally("web", {"": HostRequests(1), "app.vawsum.com": counted}))
    by_key = {(name, dimensions): (values, counts) for name, dimensions, values, counts in told}
    bare: Dimensions = (("source", "web"),)
    app: Dimensions = (*bare, ("virtual_host", "app.vawsum.com"))
    names = ("requests", "responses_2xx", "responses_3xx", "responses_4xx", "responses_5xx", "response_bytes")
    expected = {
        (f"http_{name}", app): ([value], [1.0]) for name, value in zip(names, (10, 6, 2, 1, 1, 5000), strict=True)
    }
    expected |= {
        (f"http_{name}", bare): ([value], [1.0]) for name, value in zip(names, (1, 0, 0, 0, 0, 0), strict=True)
    }
    latency: tuple[list[float], list[float]] = by_key.pop(("http_latency", app))
    assert by_key == expected
    assert latency[0] == pytest.approx([1.0], rel=0.032)
    assert latency[1] == [3.0]


def test_names_and_units_are_in_the_catalogue() -> None:
    """Whatever is published is described, with its unit."""
    told = told_by(RequestTally("web", {"a.b": HostRequests(1, latency=dict(latency_buckets([5])))}))
    units = {metric.name: metric.unit for metric in METRICS}
    assert {name for name, *_ in told} == units.keys()
    assert (units["http_latency"], units["http_response_bytes"]) == (Unit.MILLISECONDS, Unit.BYTES)


@given(st.lists(LATENCIES, min_size=1, max_size=600))
def test_a_latency_keeps_its_size(latencies: list[int]) -> None:
    """Every value is known to 3.2 %, and counted once."""
    buckets = latency_buckets(latencies)
    assert buckets.total() == len(latencies)
    for value in latencies:
        ((bucket, count),) = latency_buckets([value]).items()
        assert count == 1
        assert bucket_us(bucket) == pytest.approx(value, rel=0.032)


@given(st.lists(LATENCIES, min_size=1, max_size=600))
def test_a_distribution_fits_the_api(latencies: list[int]) -> None:
    """At most 150 distinct values in ascending order; number and sum of the requests stay."""
    buckets = latency_buckets(latencies)
    values, counts = published(buckets)
    assert len(values) == len(counts) <= MOST_VALUES
    assert values == sorted(set(values))
    assert sum(counts) == len(latencies)
    total_ms = sum(bucket_us(bucket) * count for bucket, count in buckets.items()) / 1000
    assert sum(value * count for value, count in zip(values, counts, strict=True)) == pytest.approx(total_ms)


def test_what_most_requests_took_keeps_its_precision() -> None:
    """Of 500 buckets the crowded ones are published as they are: percentiles are right to a few percent."""
    crowded = latency_buckets([latency for latency in range(10_000, 20_000) for _ in range(3)])
    rare = latency_buckets([2**octave + part * 2**octave // 16 for octave in range(5, 36) for part in range(16)])
    values, _ = published(crowded + rare)
    assert len(crowded + rare) > 3 * MOST_VALUES
    assert {bucket_us(bucket) / 1000 for bucket in crowded} <= set(values)


def test_a_roll_up_of_latencies_keeps_that_precision() -> None:
    """Virtual hosts put together are reduced in the same way as each by itself."""
    crowded = latency_buckets([latency for latency in range(10_000, 20_000) for _ in range(3)])
    rare = latency_buckets([2**octave + part * 2**octave // 16 for octave in range(5, 36) for part in range(16)])
    series = [
        Series("http_latency", (("source", str(at)),), "", *published(one)) for at, one in enumerate([crowded, rare])
    ]
    assert {bucket_us(bucket) / 1000 for bucket in crowded} <= set(merged(series).values)


@given(st.lists(st.tuples(st.text(max_size=200), st.integers(1, 9)), max_size=120))
def test_hosts_are_bounded_and_printable(hosts: list[tuple[str, int]]) -> None:
    """Whatever a log calls its hosts: at most 50 names a minute, short and printable; no request is lost to that."""
    tally = RequestTally("web")
    for host, requests in hosts:
        tally.add(host, HostRequests(requests))
    named = tally.hosts.keys() - {"", OTHER_HOSTS}
    assert len(named) <= MOST_HOSTS
    assert all(host.isprintable() and len(host) <= LONGEST_HOST for host in named)
    assert sum(counted.requests for counted in tally.hosts.values()) == sum(requests for _, requests in hosts)


COUNTED = st.builds(
    HostRequests,
    *[st.integers(0, 10**9)] * 6,
    st.lists(LATENCIES, max_size=9).map(lambda values: dict(latency_buckets(values))),
)
TALLIES = st.builds(RequestTally, st.text(max_size=9), st.dictionaries(st.sampled_from(["", "a", "b.c"]), COUNTED))


@given(TALLIES)
def test_a_tally_is_read_as_it_was_written(tally: RequestTally) -> None:
    """What goes into the store comes out of it."""
    assert RequestTally.decode(tally.encode()) == tally


@given(TALLIES, TALLIES)
def test_merging_adds(one: RequestTally, other: RequestTally) -> None:
    """Two tallies of a minute are as one that counted both."""
    both = RequestTally.decode(one.encode())
    both.merge(RequestTally.decode(other.encode()))
    for host in {*one.hosts, *other.hosts}:
        parts = [tally.hosts[host] for tally in (one, other) if host in tally.hosts]
        assert both.hosts[host].requests == sum(part.requests for part in parts)
        assert both.hosts[host].answers_5xx == sum(part.answers_5xx for part in parts)
        assert both.hosts[host].sent_bytes == sum(part.sent_bytes for part in parts)
        total = sum(sum(part.latency.values()) for part in parts)
        assert sum(both.hosts[host].latency.values()) == total


@given(st.binary(max_size=60), TALLIES)
def test_garbage_is_refused(garbage: bytes, tally: RequestTally) -> None:
    """What is no tally raises ValueError and nothing else; so do a tally's own bytes, cut short."""
    for body in (garbage, tally.encode()[:-1]):
        try:
            RequestTally.decode(body)
        except ValueError:
            continue
        assert body is garbage
    with pytest.raises(ValueError):
        RequestTally.decode(b"\x92\xa1s\x81\xa1h\x91\xff")


def test_sums_stay_within_bounds() -> None:
    """However large what a log claims: a tally can be written and read."""
    tally = RequestTally("web")
    for _ in range(3):
        tally.add("a", HostRequests(MOST, sent_bytes=MOST, latency={0: MOST}))
    assert RequestTally.decode(tally.encode()) == tally
