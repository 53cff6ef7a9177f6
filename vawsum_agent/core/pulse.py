"""Liveness of a loop: each turn beats, and a loop that waits says for how long at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock

TURN_LIMIT_S = 30.0


class Pulse:
    """One loop's sign of life. Written by the loop, read by the supervisor; both are single assignments."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due = clock.monotonic() + TURN_LIMIT_S

    def beat(self, may_wait_s: float = 0.0) -> None:
        """Say that a turn ended and that the next one comes within ``may_wait_s`` plus the turn limit."""
        self._due = self._clock.monotonic() + may_wait_s + TURN_LIMIT_S

    def is_alive(self) -> bool:
        """Whether the promise of the last beat still holds."""
        return self._clock.monotonic() <= self._due
