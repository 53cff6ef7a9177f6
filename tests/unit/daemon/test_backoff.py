"""The wait before the next attempt."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.daemon.backoff import LONGEST_S, backoff_s


@given(st.integers(min_value=0), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_bounded(attempt: int, spread: float) -> None:
    """However often, the wait is neither nothing nor more than five minutes."""
    assert 0.5 <= backoff_s(attempt, spread) <= LONGEST_S


def test_doubles() -> None:
    """Each wait is twice the one before."""
    assert [backoff_s(attempt, 0.0) for attempt in range(4)] == [1, 2, 4, 8]
