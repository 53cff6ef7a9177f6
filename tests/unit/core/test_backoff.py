"""The wait before the next attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.backoff import backoff_s


@given(st.integers(min_value=0), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_bounded(attempt: int, spread: float) -> None:
    """However often, the wait is neither less than half of the first nor more than the longest."""
    assert 0.5 <= backoff_s(attempt, spread, first_s=1.0, longest_s=300.0) <= 300.0


def test_doubles_and_spreads() -> None:
    """Each wait is twice the one before until the longest; the spread takes up to half of it."""
    assert [backoff_s(attempt, 0.0, first_s=1.0, longest_s=6.0) for attempt in range(4)] == [1, 2, 4, 6]
    assert backoff_s(1, 0.5, first_s=1.0, longest_s=6.0) == 1.5
