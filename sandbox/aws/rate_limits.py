"""Quotas of requests a second, per operation, as token buckets that hold one second's worth."""

from __future__ import annotations

import threading


class RateLimits:
    """Counts requests against their quota."""

    def __init__(self) -> None:
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def take(self, operation: str, limit_per_s: float | None, now: float) -> bool:
        """Take one request out of the quota. Returns whether there was one left; no limit, no quota."""
        if limit_per_s is None:
            return True
        with self._lock:
            left, then = self._buckets.get(operation, (limit_per_s, now))
            left = min(limit_per_s, left + (now - then) * limit_per_s)
            is_granted = left >= 1
            self._buckets[operation] = (left - 1 if is_granted else left, now)
            return is_granted
