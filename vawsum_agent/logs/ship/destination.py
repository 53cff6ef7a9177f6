"""A log group as a place to send to: its failures, its backoff, its requests in flight.

One that is throttled, missing or forbidden holds up nobody but itself: while it fails a single request tries it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.ship.backoff import backoff_s

if TYPE_CHECKING:
    import random

    from vawsum_agent.core.errors import AgentError

_MOST_IN_FLIGHT = 6
_TOOK_PER_REQUEST_S = 0.02
_LEARNING_RATE = 0.2


class Destination:
    """The state of one log group. Guarded by the shipper's lock. Times are of the monotonic clock.

    Attributes:
        in_flight: requests on their way.
        asking: streams that are being asked what arrived.
        used_bytes: of files, in batches for it that are not settled.
    """

    def __init__(self, group: str, dice: random.Random) -> None:
        self.group = group
        self.in_flight = 0
        self.asking = 0
        self.used_bytes = 0
        self._took_s = 0.0
        self.failures = 0
        self.not_before = 0.0
        self.failing_since: float | None = None
        self.last_error: AgentError | None = None
        self._dice = dice

    def may_send(self, now: float, *, is_scarce: bool = False) -> bool:
        """Whether another request may start; where threads are scarce, only as the one of this destination."""
        return now >= self.not_before and self.in_flight < (1 if is_scarce else self.in_flight_limit)

    def may_ask(self, *, is_scarce: bool) -> bool:
        """Whether another stream may be asked; where threads are scarce, one after the other."""
        return self.asking == 0 or not is_scarce

    def answered(self, took_s: float) -> None:
        """Learn from an answer how long requests take."""
        self._took_s += (took_s - self._took_s) * _LEARNING_RATE

    @property
    def in_flight_limit(self) -> int:
        """The slower the service answers, the more requests wait at once; at full speed more threads only contend."""
        return 1 if self.failures else min(_MOST_IN_FLIGHT, 2 + int(self._took_s / _TOOK_PER_REQUEST_S))

    def may_queue(self, now: float) -> bool:
        """Whether another batch may be read for it: while it fails, one for all its streams, when it is tried again."""
        return not self.failures or (self.used_bytes == 0 and now >= self.not_before)

    def succeeded(self) -> None:
        """An answer of the service said yes: it is well."""
        self.failures = 0
        self.not_before = 0.0
        self.failing_since = None
        self.last_error = None

    def failed(self, error: AgentError, now: float) -> None:
        """A request failed; the next one waits."""
        self.failures += 1
        self.failing_since = self.failing_since or now
        self.last_error = error
        self.not_before = now + backoff_s(self.failures, self._dice)
