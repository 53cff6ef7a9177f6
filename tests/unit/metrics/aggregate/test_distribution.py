"""Distributions: all samples are in them, within the limits of a datum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.metric import Metric, Reading, Unit
from vawsum_agent.metrics.aggregate.distribution import MOST_VALUES, Series, distribution, merged
from vawsum_agent.metrics.aggregate.period import (
    MOST_SERIES,
    chunks_of,
    decode_series,
    encode_series,
    halves,
    period_of,
    series_of,
)

COUNTS = st.dictionaries(st.floats(0, 1e12), st.integers(1, 1000), min_size=1, max_size=700)
METRICS = {"load": Metric("load", Unit.NONE, "a gauge")}


@given(COUNTS)
def test_samples_and_sum_stay_what_they_are(counts: dict[float, float]) -> None:
    """However many values were read, at most 150 are sent: as many samples, the same sum, the same two ends."""
    values, sent = distribution(counts)
    assert len(values) == len(sent) <= MOST_VALUES
    assert values == sorted(values)
    assert sum(sent) == sum(counts.values())
    total = sum(value * count for value, count in counts.items())
    assert sum(value * count for value, count in zip(values, sent, strict=True)) == pytest.approx(total)
    assert values[0] == min(counts)
    assert values[-1] == max(counts)


def test_values_are_joined_where_it_is_seen_least() -> None:
    """Those read once before those read often, and great ones before small ones that lie as close."""
    often = {10.0 + at: 1000 for at in range(50)}
    once = {1000.0 + at: 1 for at in range(300)}
    few = {0.0: 1, 0.25: 1, 0.5: 1}
    values, _ = distribution(often | once | few)
    assert {*often, *few} <= set(values)


@given(st.lists(COUNTS, min_size=1, max_size=3))
def test_roll_up_holds_all_samples(all_counts: list[dict[float, float]]) -> None:
    """Putting series together loses no sample."""
    series = [Series("load", (("path", str(at)),), "None", *distribution(one)) for at, one in enumerate(all_counts)]
    together = merged(series)
    assert together.dimensions == ()
    assert sum(together.counts) == sum(sum(one.counts) for one in series)


def test_equal_values_are_one() -> None:
    """Six equal readings are one value, counted six times: what a quiet minute costs."""
    assert series_of([Reading("load", 0.5)] * 6, METRICS) == [Series("load", (), "None", [0.5], [6])]


def test_metrics_of_another_version_are_left_out() -> None:
    """A round that a newer agent left behind does not stop an older one."""
    assert series_of([Reading("unheard_of", 1.0)], METRICS) == []


@given(st.integers(0, 2**45), st.sampled_from([60_000, 300_000]))
def test_periods_tile_time(at_ms: int, length_ms: int) -> None:
    """Each moment lies in exactly one period."""
    begins = period_of(at_ms, length_ms)
    assert begins <= at_ms < begins + length_ms
    assert begins % length_ms == 0


@given(st.integers(1, 1500), st.integers(1, MOST_VALUES))
def test_chunks_hold_everything_within_a_request(count: int, values: int) -> None:
    """However much a period came to, its chunks hold all of it, and each with its roll-up fits a request."""
    series = [
        Series(f"m{at % 7}", (("n", str(at)),), "Count", [float(x) for x in range(values)], [1] * values)
        for at in range(count)
    ]
    chunks = chunks_of(60_000, series)
    found = [one for chunk in chunks for one in decode_series(chunk.body)]
    assert sorted(found) == sorted(series)
    assert all(0 < chunk.data_count <= MOST_SERIES and chunk.period_ms == 60_000 for chunk in chunks)


def test_halves_are_the_whole() -> None:
    """A refused chunk is divided without losing or doubling anything."""
    series = [Series(f"m{at}", (), "Count", [1.0], [1]) for at in range(5)]
    (chunk,) = chunks_of(0, series)
    parts = halves(chunk)
    assert [part.data_count for part in parts] == [2, 3]
    assert [one for part in parts for one in decode_series(part.body)] == series


@pytest.mark.parametrize("body", [b"", b"nonsense", encode_series([])[:-3]])
def test_damaged_chunks_are_told(body: bytes) -> None:
    """A chunk that can't be read raises ValueError and nothing else."""
    with pytest.raises(ValueError, match="unreadable"):
        decode_series(body)
