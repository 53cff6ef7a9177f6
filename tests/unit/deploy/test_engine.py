"""The engine: what is begun is in the journal first, and a deploy killed anywhere is carried to an end."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.engine import Engine
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import FORWARD, End, Step
from vawsum_agent.deploy.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEPLOY_ID = "20261129T080000Z-0011aabb"


class Killed(BaseException):
    """Stands for SIGKILL: nothing that runs afterwards may count on having seen it."""


class Stage:
    """A journal on disk, and steps that only tell that they ran."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(AppFolder(folder / "app"), SystemClock())
        self.journal.prepare()
        self.record = Record(
            deploy_id=DEPLOY_ID, app="web", kind="start", release="20261129T080000Z-2", previous="r1", began_at=0.0
        )
        self.ran: list[Step] = []
        self.said: list[str] = []
        self.does: dict[Step, Callable[[], str]] = {}

    def run(self, record: Record | None = None) -> End:
        """Run it, or what is on disk of it."""
        steps = {step: self._step(step) for step in Step}
        engine = Engine(self.journal, steps, say=self.said.append, redact=lambda text: text.replace("hunter2", "[x]"))
        return engine.run(record or self.record)

    def found(self) -> Record:
        """The record as the next process finds it."""
        record = self.journal.read(DEPLOY_ID)
        assert record is not None
        return record

    def _step(self, step: Step) -> Callable[[], str]:
        def do() -> str:
            latest = self.found().lines[-1]
            assert (latest.step, latest.phase) == (step, "begun")
            self.ran.append(step)
            return self.does.get(step, lambda: "")()

        return do


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One deploy that has not begun."""
    return Stage(tmp_path)


def fails(message: str) -> Callable[[], str]:
    """A step that fails."""

    def do() -> str:
        raise DeployError(message)

    return do


def dies() -> str:
    """A step in which the process is killed."""
    raise Killed


def test_all_goes_well(stage: Stage) -> None:
    """Every step forward is begun on disk before it is done, in order, and the record says how it ended."""
    assert stage.run() is End.DEPLOYED
    assert stage.ran == list(FORWARD)
    assert stage.found().end == End.DEPLOYED
    assert stage.found().has_served


def test_a_step_fails(stage: Stage) -> None:
    """What was begun is taken back, and the failure stands in the record without secrets."""
    stage.does[Step.PROVE] = fails("it said hunter2")
    assert stage.run() is End.TAKEN_BACK
    assert stage.ran[-6:] == [
        Step.SWITCH_BACK,
        Step.RELOAD_BACK,
        Step.PROVE_BACK,
        Step.RETURN_BACK,
        Step.HOOK_FAILED,
        Step.CLEAR,
    ]
    failure = stage.found().failure
    assert failure is not None
    assert (failure.step, failure.text) == (Step.PROVE, "it said [x]")
    assert not any("hunter2" in line for line in stage.said)


def test_a_bug_in_a_step(stage: Stage) -> None:
    """A step that raises what it should not is a failed step: the host comes back into service."""

    def bug() -> str:
        return str(1 // 0)

    stage.does[Step.RELOAD] = bug
    assert stage.run() is End.TAKEN_BACK
    assert Step.RETURN_BACK in stage.ran


@pytest.mark.parametrize("step", FORWARD)
def test_killed_in_a_step(stage: Stage, step: Step) -> None:
    """Whoever finds it takes it back, or finishes it when the release was proven and on its way into service."""
    stage.does[step] = dies
    with pytest.raises(Killed):
        stage.run()
    del stage.does[step]
    is_proven = FORWARD.index(step) >= FORWARD.index(Step.RETURN)
    assert stage.run(stage.found()) is (End.DEPLOYED if is_proven else End.TAKEN_BACK)
    assert stage.found().failure is not None


def test_killed_on_the_way_back(stage: Stage) -> None:
    """Killed again and again while taking it back, it is taken back."""
    stage.does[Step.PROVE] = fails("no")
    for step in (Step.SWITCH_BACK, Step.RELOAD_BACK, Step.PROVE_BACK, Step.RETURN_BACK, Step.CLEAR):
        stage.does[step] = dies
        with pytest.raises(Killed):
            stage.run(stage.journal.read(DEPLOY_ID) or stage.record)
        del stage.does[step]
    assert stage.run(stage.found()) is End.TAKEN_BACK


def test_stuck_and_tried_again(stage: Stage) -> None:
    """A way back that fails asks for a person; the next start tries the same step again, and what follows it."""
    stage.does[Step.PROVE] = fails("no")
    stage.does[Step.RELOAD_BACK] = fails("no either")
    assert stage.run() is End.STUCK
    assert [record.deploy_id for record in stage.journal.unfinished()] == [DEPLOY_ID]
    del stage.does[Step.RELOAD_BACK]
    stage.ran.clear()
    assert stage.run(stage.found()) is End.TAKEN_BACK
    assert stage.ran[0] is Step.RELOAD_BACK
    assert stage.journal.unfinished() == []


def test_asked_to_stop(stage: Stage) -> None:
    """SIGTERM, as at a shutdown, takes back at once; asked again on the way back, it goes on."""

    def asked() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return ""

    stage.does[Step.SWITCH] = asked
    stage.does[Step.SWITCH_BACK] = asked
    assert stage.run() is End.TAKEN_BACK
    failure = stage.found().failure
    assert failure is not None
    assert failure.text == "asked to stop by SIGTERM"
