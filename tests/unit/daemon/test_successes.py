"""A new component begins with what is known of the one before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.unit.daemon.components import HandClock, Script, Scripted
from vawsum_agent.core.component import ComponentStatus, State
from vawsum_agent.core.identity import Identity
from vawsum_agent.daemon.snapshot import Facts, document
from vawsum_agent.daemon.successes import Successes, successes_in
from vawsum_agent.daemon.supervised import Part
from vawsum_agent.daemon.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Sequence


class Succeeding(Scripted):
    """Tells the next one of some times when it is asked how it is, and None once they have run out."""

    def __init__(self, times: list[float]) -> None:
        super().__init__("logs", Script())
        self._times = times

    def status(self) -> ComponentStatus:
        """See `Component.status`."""
        return replace(super().status(), last_success_at=self._times.pop(0) if self._times else None)


def supervise(times: list[float], successes: Successes) -> Supervisor:
    """Run a component that succeeds at these times."""
    supervisor = Supervisor([Part("logs", lambda: Succeeding(times))], HandClock(), successes=successes)
    supervisor.start()
    return supervisor


def last_success(supervisor: Supervisor) -> float | None:
    """When the component succeeded last, as status and the board have it."""
    return supervisor.statuses()[0].last_success_at


def test_a_drain_forgets_no_success() -> None:
    """The same supervisor starts the component again: what it did before its stop counts until it does more."""
    times = [10.0, 20.0]
    supervisor = supervise(times, Successes())
    assert last_success(supervisor) == 10.0
    supervisor.stop()  # which looks a last time
    assert last_success(supervisor) == 20.0
    supervisor.start()
    assert last_success(supervisor) == 20.0
    times.append(30.0)
    assert last_success(supervisor) == 30.0


def test_a_reload_forgets_no_success() -> None:
    """The next generation has another supervisor; a component that can't start tells of the last success, too."""
    successes = Successes()
    supervise([10.0], successes).stop()

    def fail() -> Succeeding:
        raise RuntimeError

    following = Supervisor([Part("logs", fail)], HandClock(), successes=successes)
    following.start()
    assert (following.statuses()[0].state, last_success(following)) == (State.FAILED, 10.0)


def status_document(statuses: Sequence[ComponentStatus]) -> dict[str, object]:
    """What the daemon writes down."""
    facts = Facts("1", Identity("i-1", "host", "test", "web"), 7, 0.0, ())
    return document(facts, State.RUNNING, statuses, [])


def test_a_restart_forgets_no_success() -> None:
    """The last status tells the next process; what never succeeded, or has not yet by the clock, is left out."""
    statuses = [
        ComponentStatus("logs", State.RUNNING, 1.0, last_success_at=1_000_000_000.5),
        ComponentStatus("metrics", State.RUNNING, 1.0, last_success_at=2_000_000_000.0),
        ComponentStatus("alerts", State.RUNNING, 1.0),
    ]
    known = successes_in(status_document(statuses), now=1_500_000_000.0)
    assert known == {"logs": 1_000_000_000.5}
    assert last_success(supervise([], Successes(known))) == 1_000_000_000.5
    assert successes_in({}, now=0.0) == {}
