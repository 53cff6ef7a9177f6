"""How long something is tried again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.backup.upload.patience import Patience, Persistent
from vawsum_agent.core.errors import AccessDenied, AgentError, BackupError, NotFound, Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = Patience(longest_s=100, denied_s=10, first_wait_s=0.001, longest_wait_s=0.002)


class StepClock:
    """A clock that goes on by so much whenever it is read."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._now_s = 0.0

    def now(self) -> float:
        """See `Clock.now`."""
        return self._now_s

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        self._now_s += self._step_s
        return self._now_s


def failing(*errors: AgentError) -> Callable[[], str]:
    """Make something that fails so often, and then works."""
    left = list(errors)

    def action() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return action


@pytest.mark.parametrize(
    ("error", "has_worked", "expected_s"),
    [
        (Unavailable("x"), False, 100),
        (Throttled("x"), True, 100),
        (AccessDenied("x"), False, 0),
        (AccessDenied("x"), True, 10),
        (NotFound("x"), True, 0),
        (BackupError("x"), True, 0),
    ],
)
def test_errors_are_put_up_with_as_long_as_that_can_help(
    error: AgentError, expected_s: float, *, has_worked: bool
) -> None:
    """Outages long, rights that were there before a little, what is refused for good not at all."""
    assert PATIENCE.with_error_s(error, has_worked=has_worked) == expected_s


def test_it_is_tried_until_it_works() -> None:
    """Whatever failed before."""
    persistent = Persistent(PATIENCE, StepClock(1), threading.Event())
    assert persistent.call(failing(*[Unavailable("x")] * 20)) == "done"
    assert persistent.call(failing(AccessDenied("x"), Throttled("x"))) == "done"


def test_patience_counts_from_the_first_failure() -> None:
    """The last error is what is told."""
    persistent = Persistent(PATIENCE, StepClock(30), threading.Event())
    with pytest.raises(Throttled):
        persistent.call(failing(*[Unavailable("x")] * 4, Throttled("last"), Unavailable("never")))
    assert persistent.call(failing(*[Unavailable("x")] * 3)) == "done"


def test_who_is_stopped_waits_no_more() -> None:
    """However long a wait was meant to be."""
    stopped = threading.Event()
    persistent = Persistent(Patience(first_wait_s=3600, longest_wait_s=3600), StepClock(1), stopped)
    threading.Timer(0.05, stopped.set).start()
    with pytest.raises(Unavailable):
        persistent.call(failing(Unavailable("x")))


def test_who_is_told_to_end_waits_no_more() -> None:
    """Ctrl-C amid half an hour of an outage ends it at once."""
    halted = threading.Event()
    endless = Patience(first_wait_s=3600, longest_wait_s=3600)
    persistent = Persistent(endless, StepClock(1), threading.Event(), halted.is_set)
    threading.Timer(0.05, halted.set).start()
    with pytest.raises(Unavailable):
        persistent.call(failing(Unavailable("x")))
