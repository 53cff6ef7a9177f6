"""What records come to, and what people are told of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.unit.deploy.watching.records import DEPLOYED, EPOCH, NEW, OLD, STUCK, TAKEN_BACK, app_at, record
from vawsum_agent.config.model.deploy import DeployGuard
from vawsum_agent.config.model.values import Seconds
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.details import FAILED, RUNNING, last_success_at, measures, row
from vawsum_agent.deploy.health import LEFT_S, Look, longest_step_s, problems
from vawsum_agent.deploy.machine import End, Phase, Step
from vawsum_agent.deploy.record import Line
from vawsum_agent.deploy.standing import POINTED_TO, serving, standing

if TYPE_CHECKING:
    from vawsum_agent.deploy.record import Record

APP = app_at(Path("/var/www/web"))
WELL = record(*DEPLOYED, number=1, end=End.DEPLOYED)
BACK = record(*TAKEN_BACK, number=2, end=End.TAKEN_BACK)
STUCK_ONE = record(*STUCK, number=3, end=End.STUCK)
UNDER_WAY = record((Step.FETCH, "done"), (Step.DRAIN, "begun"), number=4)


def look(*newest_first: Record, linked: str | None = None, is_worked_on: bool = False) -> Look:
    """What is seen of them."""
    return Look(app=APP, standing=standing(newest_first, linked), is_worked_on=is_worked_on)


def told(of: Look, after_s: float = 10.0) -> list[str]:
    """What is wrong."""
    found = problems(of, EPOCH + after_s)
    assert all(problem.hint for problem in found)
    return [problem.what for problem in found]


def test_nothing_was_deployed_yet() -> None:
    """Nothing is wrong, and nothing failed or runs."""
    new = look()
    assert told(new) == []
    assert measures([new], EPOCH) == {FAILED: 0.0, RUNNING: 0.0}
    assert (row(new)["current"], row(new)["last_deploy"], last_success_at([new])) == (None, None, None)


@pytest.mark.parametrize(
    ("of", "release"), [(WELL, NEW), (BACK, OLD), (STUCK_ONE, NEW), (UNDER_WAY, OLD), (record(), OLD)]
)
def test_what_is_served(of: Record, release: str) -> None:
    """The journal tells, where the link can't be seen; where it can, that is believed."""
    assert serving(of) == release
    assert look(of).standing.current == release
    assert look(of, linked="20260303T000000Z-3333333").standing.current == "20260303T000000Z-3333333"


def test_what_is_served_when_that_is_not_known() -> None:
    """A switch that failed may have happened, and so may one back: what the link said then is told, or else nothing."""
    assert serving(record((Step.SWITCH, "begun"))) is None
    phases: tuple[Phase, ...] = ("done", "failed", "interrupted")
    for first in phases:
        stuck = record((Step.SWITCH, "begun"), (Step.SWITCH, first), (Step.SWITCH_BACK, "begun"), end=End.STUCK)
        assert serving(stuck) is None
        stuck.remember(POINTED_TO, NEW)
        assert serving(stuck) == NEW
        stuck.lines.append(Line(step=Step.SWITCH_BACK, phase="done", at=EPOCH))
        assert serving(stuck) == OLD


def test_a_release_that_stayed() -> None:
    """All is well; the time of the last success is when it ended, whatever was taken back since."""
    seen = look(BACK, WELL)
    assert told(seen) == []
    assert last_success_at([look(), seen]) == EPOCH + 60
    last = row(seen)["last_deploy"]
    assert isinstance(last, dict)
    assert (last["result"], last["failed_step"], last["error"], last["by"]) == ("taken back", "prove", "boom", "alice")
    assert row(seen)["last_deployed"] == row(look(WELL))["last_deploy"]


def test_a_failure_is_a_metric_for_an_hour() -> None:
    """One that was taken back counts for an hour, or until one stays; one that is stuck for as long as it is."""
    ended = EPOCH + 60
    assert measures([look(BACK, WELL)], ended + 3599)[FAILED] == 1
    assert measures([look(BACK, WELL)], ended + 3600)[FAILED] == 0
    later = record(*DEPLOYED, number=5, end=End.DEPLOYED)
    assert measures([look(later, BACK, WELL)], ended + 1)[FAILED] == 0
    assert measures([look(STUCK_ONE, WELL)], ended + 1e6)[FAILED] == 1
    assert measures([look(WELL), look(STUCK_ONE)], ended + 1e6)[FAILED] == 1


def test_a_deploy_is_a_mark() -> None:
    """1 while it runs, and for a minute at least, so that no sample misses it."""
    assert measures([look(UNDER_WAY, is_worked_on=True)], EPOCH + 5000)[RUNNING] == 1
    assert measures([look(UNDER_WAY)], EPOCH + 5000)[RUNNING] == 0
    assert measures([look(record(*DEPLOYED, end=End.DEPLOYED, took_s=2))], EPOCH + 59)[RUNNING] == 1
    assert measures([look(WELL)], EPOCH + 61)[RUNNING] == 0


def test_what_is_not_known_is_not_published() -> None:
    """While a journal can't be read nothing is 0; what is known to be bad still is."""
    blind = Look(app=APP, standing=standing([WELL], None), error=DeployError("no", hint="look"))
    assert measures([blind], EPOCH + 1e6) == {}
    assert measures([blind, look(STUCK_ONE)], EPOCH + 1e6) == {FAILED: 1.0}
    assert told(blind) == ["web: no"]


def test_one_that_is_stuck() -> None:
    """What failed, and what failed on the way back, with the runbook; a later one that ended well ends it."""
    (what,) = told(look(STUCK_ONE, WELL))
    assert what == (
        f"the deploy of web {NEW} is STUCK, a person has to look: prove failed: boom; "
        "taking it back failed at reload back: boom"
    )
    assert look(STUCK_ONE, WELL).is_stuck
    assert "rollback-failed.md" in problems(look(STUCK_ONE), EPOCH)[0].hint
    again = replace(STUCK_ONE, end=None, lines=STUCK_ONE.lines[:2])
    assert not look(again, WELL, is_worked_on=True).is_stuck
    assert told(look(record(*DEPLOYED, number=5, end=End.DEPLOYED), STUCK_ONE)) == []


def test_one_that_was_cut_off() -> None:
    """Told once nobody has gone on with it for a while, and not while somebody does."""
    last = len(UNDER_WAY.lines)
    assert told(look(UNDER_WAY), last + LEFT_S) == []
    (what,) = told(look(UNDER_WAY), last + LEFT_S + 1)
    assert what == f"the deploy of web {NEW} was cut off in its step drain, and nobody finishes it or takes it back"
    assert told(look(UNDER_WAY, is_worked_on=True), last + LEFT_S + 1) == []
    assert "before its first step" in told(look(record(kind="rollback")), LEFT_S + 1)[0]
    seen = row(look(UNDER_WAY, WELL))
    assert (seen["running"], seen["last_deploy"]) == (None, row(look(WELL))["last_deploy"])
    assert isinstance(seen["unfinished"], dict)
    assert (seen["unfinished"]["step"], seen["unfinished"]["is_taken_back"]) == ("drain", False)


def test_one_that_does_not_get_on() -> None:
    """A step may take as long as its own limits add up to; then it is told of, though its process lives."""
    seen = look(UNDER_WAY, is_worked_on=True)
    most = longest_step_s(APP)
    assert most > 3600 + APP.drain_timeout
    assert told(seen, most) == []
    assert "longer than that can take" in told(seen, most + 3)[0]
    patient = replace(APP, drain_timeout=6 * 3600.0, guard=DeployGuard(window=Seconds(3600.0)))
    assert longest_step_s(patient) > 7 * 3600
