"""Time as an argument: whatever decides by time is given a Clock, so a test passes its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The two clocks of a process."""

    def now(self) -> float:
        """Wall time in seconds since the epoch; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow; for intervals and deadlines."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """See `Clock.now`."""
        return time.time()

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()


class Deadline:
    """A moment on the monotonic clock by which something must have ended."""

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._at = clock.monotonic() + timeout_s

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._at - self._clock.monotonic())

    def has_passed(self) -> bool:
        """Whether nothing is left."""
        return self.remaining_s() == 0.0


def rfc3339(epoch_s: float) -> str:
    """Write a wall time as RFC 3339 in UTC with milliseconds, as ``status --json`` shows times."""
    text = datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
