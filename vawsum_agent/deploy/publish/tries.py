"""How long S3 is asked again while somebody waits for the answer."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock

_T = TypeVar("_T")

_PATIENCE_S = 300.0
_FIRST_S = 0.5
_LONGEST_S = 15.0


class Tries:
    """Calls again what was throttled or got no answer, for five minutes from the first failure in a row.

    Args:
        clock: measures them.
        sleep: waits for so many seconds.
        say: told why it takes long.
    """

    def __init__(self, clock: Clock, sleep: Callable[[float], object], say: Callable[[str], None]) -> None:
        self._clock = clock
        self._sleep = sleep
        self._say = say
        self._dice = random.Random()  # noqa: S311 - jitter

    def call(self, action: Callable[[], _T]) -> _T:
        """Give what ``action`` returns, which may be called often. Raises AwsError: of the last attempt."""
        began = self._clock.monotonic()
        attempt = 0
        while True:
            try:
                return action()
            except (Throttled, Unavailable) as error:
                wait_s = backoff_s(attempt, self._dice.random(), first_s=_FIRST_S, longest_s=_LONGEST_S)
                if self._clock.monotonic() + wait_s - began > _PATIENCE_S:
                    raise
                if attempt == 0:
                    self._say(f"trying again: {error.message}")
                attempt += 1
                self._sleep(wait_s)
