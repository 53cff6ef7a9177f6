"""How long something is tried again, and when: until it works, is refused for good, or patience ends."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import AccessDenied, AgentError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock

_T = TypeVar("_T")

_LOOK_UP_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds.

    Attributes:
        longest_s: from the first failure in a row until it is given up.
        denied_s: the same where access is denied to what worked before: credentials that are being renewed.
        first_wait_s: before the first repetition; doubles from one to the next, less up to half at random.
        longest_wait_s: before any.
    """

    longest_s: float = 1800.0
    denied_s: float = 60.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0

    def with_error_s(self, error: AgentError, *, has_worked: bool) -> float:
        """Tell how long this error is put up with.

        Args:
            error: of the last attempt.
            has_worked: whether anything has, with the same rights.
        """
        if not error.retryable:
            return 0.0
        if isinstance(error, AccessDenied):
            return min(self.denied_s, self.longest_s) if has_worked else 0.0
        return self.longest_s


class Persistent:
    """Calls until it works. Threads may call side by side.

    Args:
        patience: how long.
        clock: measures it.
        stopped: set: nothing is tried again, and nobody waits any more.
        is_halted: asked while waiting; the same.
    """

    def __init__(
        self, patience: Patience, clock: Clock, stopped: threading.Event, is_halted: Callable[[], bool] = lambda: False
    ) -> None:
        self._patience = patience
        self._is_halted = is_halted
        self._clock = clock
        self._stopped = stopped
        self._dice = random.Random()  # noqa: S311 - jitter
        self._has_worked = False

    def call(self, action: Callable[[], _T]) -> _T:
        """Give what ``action`` returns.

        Raises:
            AgentError: of the last attempt, after which no other made sense.
        """
        failing_since: float | None = None
        attempt = 0
        while True:
            try:
                done = action()
            except AgentError as error:
                now = self._clock.monotonic()
                failing_since = now if failing_since is None else failing_since
                left_s = failing_since + self._patience.with_error_s(error, has_worked=self._has_worked) - now
                if left_s <= 0 or self._is_ended_within(min(left_s, self._wait_s(attempt))):
                    raise
                attempt += 1
            else:
                self._has_worked = True
                return done

    def _is_ended_within(self, wait_s: float) -> bool:
        while wait_s > 0:
            if self._is_halted() or self._stopped.wait(min(wait_s, _LOOK_UP_EVERY_S)):
                return True
            wait_s -= _LOOK_UP_EVERY_S
        return self._is_halted()

    def _wait_s(self, attempt: int) -> float:
        patience = self._patience
        return backoff_s(attempt, self._dice.random(), first_s=patience.first_wait_s, longest_s=patience.longest_wait_s)
