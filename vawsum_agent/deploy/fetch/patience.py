"""How often S3 is asked again: until it answers, refuses for good, or too many attempts in a row brought nothing."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import AccessDenied, AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_ATTEMPTS = 6
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 10.0


class Patience:
    """Of one fetch.

    Args:
        sleep: waits for so many seconds.
        dice: a random number in [0, 1).
    """

    def __init__(
        self,
        sleep: Callable[[float], object] = time.sleep,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._sleep = sleep
        self._dice = dice
        self._failures = 0
        self._has_worked = False

    def call(self, action: Callable[[], _T]) -> _T:
        """Give what ``action`` returns. Raises AwsError: of the last attempt."""
        while True:
            try:
                done = action()
            except AwsError as error:
                self.wait_or_raise(error)
            else:
                self.progressed()
                return done

    def progressed(self) -> None:
        """Something came: what fails from here on is counted anew."""
        self._failures = 0
        self._has_worked = True

    def wait_or_raise(self, error: AwsError) -> None:
        """Wait before the next attempt. Raises ``error`` where none makes sense."""
        is_new = isinstance(error, AccessDenied) and not self._has_worked
        if not error.retryable or is_new or self._failures + 1 >= _ATTEMPTS:
            raise error
        self._sleep(backoff_s(self._failures, self._dice(), first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S))
        self._failures += 1
