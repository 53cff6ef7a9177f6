"""Notices that the wall clock jumped, which the monotonic one never does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

_JUMP_S = 30.0
"""Less is a clock being disciplined."""

_TOLD_FOR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Jump:
    """The clock was set. ``by_s`` is above zero where it was set ahead."""

    by_s: float
    monotonic: float


class ClockJumps:
    """Compares the two clocks. `look` is called now and then by one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.now() - clock.monotonic()
        self._latest: Jump | None = None

    def look(self) -> None:
        """See whether the clock jumped since the last look."""
        offset = self._clock.now() - self._clock.monotonic()
        by_s = offset - self._offset
        self._offset = offset
        if abs(by_s) > _JUMP_S:
            self._latest = Jump(by_s, self._clock.monotonic())
            _log.warning("clock_jumped", by_s=round(by_s, 1))

    def latest(self) -> Jump | None:
        """Tell the last jump, for an hour."""
        jump = self._latest
        return jump if jump is not None and self._clock.monotonic() - jump.monotonic < _TOLD_FOR_S else None
