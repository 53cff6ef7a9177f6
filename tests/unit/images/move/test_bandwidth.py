"""Uploads keep below a number of bytes a second, whoever sends them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.images.move.bandwidth import Bandwidth


class Hands:
    """A clock that its sleeper moves on."""

    at_s = 100.0

    def now(self) -> float:
        """See `Clock.now`."""
        return self.at_s

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.at_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.at_s += seconds


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(0, 5)), min_size=1), st.integers(1, 5_000))
def test_rate(transfers: list[tuple[int, float]], rate: int) -> None:
    """All but the last have had their time when that one begins; after a pause nothing is caught up with."""
    hands = Hands()
    bandwidth = Bandwidth(rate, hands, hands.sleep)
    free_at = hands.at_s
    for size_bytes, pause_s in transfers:
        bandwidth.take(size_bytes)
        assert hands.at_s >= free_at - 1e-6
        free_at = hands.at_s + size_bytes / rate
        hands.sleep(pause_s)
    total = sum(size_bytes for size_bytes, _ in transfers[:-1])
    assert hands.at_s - 100.0 >= total / rate - 1e-6


def test_the_first_does_not_wait() -> None:
    """Nothing was sent before it."""
    hands = Hands()
    Bandwidth(1, hands, hands.sleep).take(1_000)
    assert hands.at_s == 100.0
