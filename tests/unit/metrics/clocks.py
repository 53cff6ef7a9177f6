"""A clock that a test moves."""

from __future__ import annotations


class HandClock:
    """Both clocks, moved by hand; the wall clock may be set without the other noticing."""

    def __init__(self, wall: float = 1_790_000_000.0) -> None:
        self.wall = wall
        self.steady = 1000.0

    def now(self) -> float:
        """See `Clock.now`."""
        return self.wall

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.steady

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.steady += seconds
