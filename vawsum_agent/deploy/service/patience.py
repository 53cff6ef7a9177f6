"""How often is asked, and how long waited. Pure but for `patiently`, which sleeps by the sleep it is given."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, TypeVar

from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import AccessDenied, AwsError

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_TRIES_COUNT = 7
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0

_QUICK_S = 1.0
_GENTLE_S = 2.0
_SLOW_S = 10.0
_PARTS = 5.0


def patiently(call: Callable[[], _T], sleep: Callable[[float], None]) -> _T:
    """Ask for what changes nothing, and again for about half a minute while AWS throttles or does not answer.

    Raises:
        AwsError: it is refused, or is not answered in that time.
    """
    dice = random.Random()  # noqa: S311 - spreads the hosts of a fleet, hides nothing
    for attempt in range(_TRIES_COUNT - 1):
        try:
            return call()
        except AwsError as error:
            if not error.retryable or isinstance(error, AccessDenied):
                raise
        sleep(backoff_s(attempt, dice.random(), first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S))
    return call()


def pause_s(waited_s: float, expected_s: float) -> float:
    """Say how long to wait before looking again: two to ten seconds; one at first, and near the expected moment.

    What is out of service is to come back within seconds of that moment; what takes an hour need not be asked for
    every second.

    Args:
        waited_s: so far.
        expected_s: when it will probably have come true, counted from the same beginning.
    """
    ahead_s = expected_s - waited_s
    if waited_s < _GENTLE_S or -_SLOW_S < ahead_s <= _GENTLE_S:
        return _QUICK_S
    if ahead_s > 0:
        return min(_SLOW_S, max(_GENTLE_S, ahead_s / _PARTS))
    return min(_SLOW_S, max(_GENTLE_S, -ahead_s / _PARTS))
