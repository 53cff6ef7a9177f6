"""The supervisor keeps components running, each for itself."""

from __future__ import annotations

import threading
from functools import partial

from tests.unit.daemon.components import HandClock, Script, Scripted, wait_until
from vawsum_agent.core.clock import Deadline
from vawsum_agent.core.component import Problem, State
from vawsum_agent.core.errors import AgentError, DrainTimeout
from vawsum_agent.daemon.supervised import MOST_HANGS, REPLACEMENT_LIMIT_S, STABLE_AFTER_S, Part
from vawsum_agent.daemon.supervisor import Supervisor, worst


def supervise(clock: HandClock, **scripts: Script) -> Supervisor:
    """A supervisor of scripted components, in the order given; its backoff has no jitter."""
    parts = [Part(name, partial(Scripted, name, script)) for name, script in scripts.items()]
    return Supervisor(parts, clock, random=lambda: 0.0)


def states(supervisor: Supervisor) -> list[State]:
    """The states of all components."""
    return [status.state for status in supervisor.statuses()]


def tick(supervisor: Supervisor) -> None:
    """Look after the components once, and wait for what that set off."""
    supervisor.tick()
    wait_until(lambda: all(supervised._busy_since is None for supervised in supervisor._supervised))


def test_started_in_order_drained_in_reverse() -> None:
    """What others build upon starts first and ends last."""
    diary: list[str] = []
    supervisor = supervise(clock := HandClock(), a=Script(diary), b=Script(diary))
    supervisor.start()
    outcomes = supervisor.drain(Deadline(clock, 5))
    supervisor.stop()
    assert diary == ["a start", "b start", "b drain", "a drain", "b stop", "a stop"]
    assert [(outcome.name, outcome.error) for outcome in outcomes] == [("b", None), ("a", None)]
    assert states(supervisor) == [State.STOPPED, State.STOPPED]


def test_a_component_that_cannot_start_holds_up_no_other() -> None:
    """It shows as failed with its reason, the next one starts, and it is tried again after its backoff."""
    script = Script(start_errors=[AgentError("no region", hint="set one"), AgentError("still none")])
    supervisor = supervise(clock := HandClock(), bad=script, good=Script())
    supervisor.start()
    bad, good = supervisor.statuses()
    assert (bad.state, bad.last_error, bad.hint) == (State.FAILED, "no region", "set one")
    assert good.state is State.RUNNING
    tick(supervisor)
    assert script.diary == ["bad start", "bad stop"]
    clock.time += 1
    tick(supervisor)
    assert supervisor.statuses()[0].last_error == "still none"
    clock.time += 1
    tick(supervisor)
    assert script.diary.count("bad start") == 2  # the second wait is longer
    clock.time += 1
    tick(supervisor)
    assert states(supervisor) == [State.RUNNING, State.RUNNING]
    assert supervisor.statuses()[0].details["restarts"] == 2


def test_a_bug_in_one_component_stays_there() -> None:
    """An exception nobody expected is that component's failure and nobody else's."""
    supervisor = supervise(HandClock(), bad=Script(start_errors=[KeyError("x")]), good=Script())
    supervisor.start()
    bad, good = supervisor.statuses()
    assert bad.state is State.FAILED
    assert bad.last_error == "KeyError: 'x'"
    assert "report" in str(bad.hint)
    assert good.state is State.RUNNING


def test_a_failed_component_is_built_anew() -> None:
    """A component that says it failed is stopped, and after the backoff another one is built."""
    script = Script()
    supervisor = supervise(clock := HandClock(), logs=script)
    supervisor.start()
    script.state = State.FAILED
    tick(supervisor)
    assert script.diary == ["logs start", "logs stop"]
    script.state = State.RUNNING
    clock.time += 1
    tick(supervisor)
    assert states(supervisor) == [State.RUNNING]
    assert script.diary == ["logs start", "logs stop", "logs start"]


def test_what_waits_for_a_person_is_not_replaced() -> None:
    """A component that tells of a failure elsewhere goes on telling of it: a new one would find the same."""
    script = Script(state=State.FAILED, is_replaceable=False)
    supervisor = supervise(HandClock(), deploy=script)
    supervisor.start()
    tick(supervisor)
    assert (states(supervisor), script.diary) == ([State.FAILED], ["deploy start"])
    script.is_replaceable = True
    tick(supervisor)
    assert script.diary == ["deploy start", "deploy stop"]


def test_a_hanging_component_is_replaced_and_the_watchdog_starves_if_that_does_not_help() -> None:
    """A loop without a sign of life is replaced; after some times in vain only a new process can help."""
    script = Script()
    supervisor = supervise(clock := HandClock(), logs=script)
    supervisor.start()
    script.is_alive = False
    for hang in range(1, MOST_HANGS + 1):
        tick(supervisor)
        assert script.diary.count("logs stop") == hang
        assert supervisor.is_well() == (hang < MOST_HANGS)
        clock.time += 300
        tick(supervisor)
        assert script.diary.count("logs start") == hang + 1
    assert not supervisor.is_well()


def test_of_a_component_that_is_gone_its_end_is_told() -> None:
    """What was wrong with a component before it hung is not told as what is wrong now."""
    script = Script(state=State.DEGRADED, problems=(Problem("apache is down"), Problem("mysql is down")))
    supervisor = supervise(HandClock(), metrics=script)
    supervisor.start()
    assert supervisor.statuses()[0].all_problems() == script.problems
    script.is_alive = False
    tick(supervisor)
    (status,) = supervisor.statuses()
    assert status.all_problems() == (Problem("a loop gave no sign of life", "the component is being replaced"),)


def test_a_stable_run_is_forgiven() -> None:
    """After a minute without trouble the next failure waits a second again, not minutes."""
    script = Script()
    supervisor = supervise(clock := HandClock(), logs=script)
    supervisor.start()
    for failures in range(1, 4):
        script.state = State.FAILED
        tick(supervisor)
        script.state = State.RUNNING
        clock.time += 1
        tick(supervisor)
        assert script.diary.count("logs start") == failures + 1
        clock.time += STABLE_AFTER_S
        tick(supervisor)


def test_a_stop_that_hangs_keeps_the_next_one_from_being_built() -> None:
    """Two components at work on the same checkpoints would send twice: rather none, and the watchdog ends it."""
    gate = threading.Event()
    script = Script(stop_hangs_until=gate, is_alive=False)
    supervisor = supervise(clock := HandClock(), logs=script)
    supervisor.start()
    supervisor.tick()
    clock.time += REPLACEMENT_LIMIT_S - 1
    supervisor.tick()
    assert supervisor.is_well()
    clock.time += 2
    supervisor.tick()
    assert not supervisor.is_well()
    assert script.diary == ["logs start"]
    gate.set()


def test_drain_reports_what_was_left() -> None:
    """A drain that meets its deadline, or a bug, says so by component and goes on with the others."""
    timeout = Script(drain_error=DrainTimeout("3 batches were left"))
    bug = Script(drain_error=RuntimeError("oops"))
    supervisor = supervise(clock := HandClock(), a=timeout, b=bug, c=Script())
    supervisor.start()
    outcomes = {outcome.name: outcome.error for outcome in supervisor.drain(Deadline(clock, 5))}
    assert outcomes == {"a": "3 batches were left", "b": "RuntimeError: oops", "c": None}


def test_a_component_that_is_down_is_not_drained() -> None:
    """A drain never claims that a component which can't start had nothing left."""
    supervisor = supervise(clock := HandClock(), a=Script(start_errors=[AgentError("no region")]))
    supervisor.start()
    (outcome,) = supervisor.drain(Deadline(clock, 5))
    assert outcome.error == "no region"


def test_nothing_is_replaced_while_draining() -> None:
    """A component that fails while the daemon stops stays down."""
    script = Script()
    supervisor = supervise(clock := HandClock(), logs=script)
    supervisor.start()
    supervisor.drain(Deadline(clock, 5))
    script.state = State.FAILED
    supervisor.tick()
    supervisor.stop()
    clock.time += 1000
    supervisor.tick()
    assert script.diary == ["logs start", "logs drain", "logs stop"]


def test_worst_state() -> None:
    """One word for all components: the worst; running when there are none."""
    assert worst([]) is State.RUNNING
    assert worst([State.RUNNING, State.DEGRADED]) is State.DEGRADED
    assert worst([State.DEGRADED, State.FAILED, State.RUNNING]) is State.FAILED
