"""When what failed is tried again. Pure but for what it remembers.

A backup is waited for, so it is tried often; a drill takes hours of disk and processor, and is tried a few times.
"""

from __future__ import annotations

BUSY_AFTER_S = 60.0
"""Another job had the lock, or another host of the same data is at it."""

_MINUTE_S, _HOUR_S = 60.0, 3600.0
LADDERS = {
    "backup": (10 * _MINUTE_S, 30 * _MINUTE_S, _HOUR_S),
    "drill": (30 * _MINUTE_S, 6 * _HOUR_S, 24 * _HOUR_S),
}
"""Waits after the first failure, the second, and all further ones."""


class Tries:
    """The tries of one kind of job for one slot; a later slot begins anew. Not kept: a restart tries at once.

    Args:
        kind: of the job.
    """

    def __init__(self, kind: str) -> None:
        self._ladder = LADDERS[kind]
        self._slot: float | None = None
        self._failures = 0
        self._not_before = 0.0

    def wait_s(self, slot: float, now_s: float) -> float:
        """Tell how long to wait before the next try for a slot; ``now_s`` is of the monotonic clock."""
        return max(0.0, self._not_before - now_s) if slot == self._slot else 0.0

    def failed(self, slot: float, now_s: float) -> None:
        """Note a failure."""
        self._failures = self._failures + 1 if slot == self._slot else 1
        self._slot = slot
        self._not_before = now_s + self._ladder[min(self._failures, len(self._ladder)) - 1]

    def was_busy(self, slot: float, now_s: float) -> None:
        """Note that it could not even begin."""
        if slot != self._slot:
            self._slot, self._failures = slot, 0
        self._not_before = now_s + BUSY_AFTER_S
