"""Counters become increases: over wraps, resets, restarts of the agent and of the machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.metrics.sample.increases import Baseline, increases, read_baseline

TOTALS = st.dictionaries(st.text(max_size=5), st.floats(0, 1e15), max_size=5)


@pytest.mark.parametrize(
    ("before", "now", "wraps_at", "expected"),
    [
        (100, 150, None, 50),
        (100, 100, None, 0),
        (5_000, 30, None, 30),  # a server was restarted: what it counted since is the increase
        (5_000, 30, 2.0**32, 30),  # far from the end of a 32-bit counter: also a reset
        (2**32 - 10, 20, 2.0**32, 30),  # it wrapped
        (2**32 - 10, 20, None, 20),  # the same total of a server, which never wraps
    ],
)
def test_wraps_and_resets(before: float, now: float, wraps_at: float | None, expected: float) -> None:
    """A counter that fell either wrapped near its end or began anew; both give the true increase."""
    assert increases({"x": before}, {"x": now}, wraps_at) == {"x": expected}


@given(TOTALS, TOTALS, st.sampled_from([None, 2.0**32]))
def test_no_increase_is_negative(before: dict[str, float], now: dict[str, float], wraps_at: float | None) -> None:
    """Whatever totals show, nothing negative comes of them, and nothing of a counter that is seen the first time."""
    found = increases(before, now, wraps_at)
    assert found.keys() == before.keys() & now.keys()
    assert all(value >= 0 for value in found.values())


@given(TOTALS, st.dictionaries(st.text(max_size=5), TOTALS, max_size=3))
def test_baseline_comes_back(at: dict[str, float], totals: dict[str, dict[str, float]]) -> None:
    """What a round wrote down is what the next process counts on from."""
    baseline = Baseline("boot-1", at, totals)
    assert read_baseline(baseline.encode(), "boot-1") == baseline


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"boot_id":"boot-1"}',
        b'{"boot_id":"boot-1","at":1,"totals":{}}',
        b'{"boot_id":"boot-1","at":{},"totals":{"a":{"b":"x"}}}',
        b'{"boot_id":"boot-0","at":{"a":1},"totals":{"a":{"b":1}}}',
    ],
)
def test_damaged_baseline_counts_as_none(body: bytes | None) -> None:
    """Totals that can't be read, or that are of another boot of the machine, are not counted on from."""
    assert read_baseline(body, "boot-1") == Baseline("boot-1")
