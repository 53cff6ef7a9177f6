"""The engine: what is begun is in the journal first, and a deploy killed anywhere is carried to an end."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.engine import Engine, Unended
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import FORWARD, End, Step
from vawsum_agent.deploy.record import Record
from vawsum_agent.deploy.stopping import Stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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
        self.hears: dict[str, Callable[[], str]] = {}

    def run(self, record: Record | None = None) -> End:
        """Run it, or what is on disk of it."""
        steps = {step: self._step(step) for step in Step}
        with Stopping() as stopping:
            engine = Engine(
                self.journal,
                steps,
                say=self._say,
                redact=lambda text: text.replace("hunter2", "[x]"),
                stopping=stopping,
            )
            return engine.run(record or self.record)

    def _say(self, text: str) -> None:
        self.said.append(text)
        self.hears.get(text, str)()

    def found(self) -> Record:
        """The record as the next process finds it."""
        record = self.journal.read(DEPLOY_ID)
        assert record is not None
        return record

    def _step(self, step: Step) -> Callable[[], str]:
        def do() -> str:
            latest = self.found().lines[-1]
            assert (latest.step, latest.phase) == (step, "begun") or getattr(self.journal, "is_full", False)
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
    """SIGTERM takes back at once; asked again on the way back, it goes on."""

    def asked() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return ""

    stage.does[Step.SWITCH] = asked
    stage.does[Step.SWITCH_BACK] = asked
    assert stage.run() is End.TAKEN_BACK
    failure = stage.found().failure
    assert failure is not None
    assert failure.text == "asked to stop by SIGTERM"


@pytest.fixture
def unhandled() -> Iterator[list[int]]:
    """SIGTERMs that nobody took: each would have been the end of the process."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: came.append(number))
    yield came
    signal.signal(signal.SIGTERM, before)


def asks() -> str:
    """Do what systemd does when somebody stops the service."""
    os.kill(os.getpid(), signal.SIGTERM)
    return ""


@pytest.mark.parametrize("step", [Step.RECORD, Step.DRAIN, Step.SWITCH, Step.HOOK_HEALTHY])
def test_asked_to_stop_between_two_steps(stage: Stage, unhandled: list[int], step: Step) -> None:
    """While a note is written it is heard as well: nothing more is begun, and the host is not left where it is."""
    stage.hears[f"{step}: done"] = asks
    stage.does[step] = lambda: "done"
    assert stage.run() is End.TAKEN_BACK
    assert FORWARD[FORWARD.index(step) + 1] not in stage.ran
    assert unhandled == []


def test_asked_to_stop_between_two_steps_back(stage: Stage, unhandled: list[int]) -> None:
    """The way back is not stopped between its steps either."""
    stage.does[Step.PROVE] = fails("no")
    stage.does[Step.SWITCH_BACK] = lambda: "done"
    stage.hears["switch back: done"] = asks
    assert stage.run() is End.TAKEN_BACK
    assert unhandled == []


def test_asked_to_stop_within_what_catches_all(stage: Stage) -> None:
    """A library that catches any exception, as botocore does to try again, does not keep us from stopping."""

    def tries_on() -> str:
        try:
            return asks()
        except Exception:  # noqa: BLE001 - as libraries do
            return "got it at the second attempt"

    stage.does[Step.DRAIN] = tries_on
    assert stage.run() is End.TAKEN_BACK
    assert Step.SWITCH not in stage.ran


@pytest.mark.parametrize("step", [Step.RETURN, Step.GUARD])
def test_asked_to_stop_with_a_proven_release(stage: Stage, unhandled: list[int], step: Step) -> None:
    """That takes no good release back: the host is let into service, and the next start watches on."""
    stage.does[step] = asks
    with pytest.raises(Unended, match="asked to stop by SIGTERM"):
        stage.run()
    assert stage.ran.index(Step.RETURN)
    assert stage.found().end is None
    del stage.does[step]
    stage.ran.clear()
    assert stage.run(stage.found()) is End.DEPLOYED
    assert stage.ran == [Step.GUARD, Step.KEEP]
    assert unhandled == []


def test_a_closed_terminal(stage: Stage) -> None:
    """Who takes back by hand, and closes the terminal, has not stopped it."""

    def hangs_up() -> str:
        os.kill(os.getpid(), signal.SIGHUP)
        return ""

    before = signal.signal(signal.SIGHUP, signal.default_int_handler)
    try:
        stage.does[Step.DRAIN] = hangs_up
        assert stage.run() is End.DEPLOYED
    finally:
        signal.signal(signal.SIGHUP, before)


class FullJournal(Journal):
    """One whose disk is full from some moment on."""

    is_full = False

    def write(self, record: Record) -> None:
        """See `Journal.write`."""
        if self.is_full:
            raise DeployError("the journal can't be written: No space left on device")
        super().write(record)


@pytest.mark.parametrize("step", [Step.DRAIN, Step.SWITCH, Step.HOOK_HEALTHY])
def test_a_journal_that_can_not_be_written_any_more(tmp_path: Path, step: Step) -> None:
    """Nothing more is begun, and the host is brought back without notes; that it could not be noted is told."""
    stage = Stage(tmp_path)
    stage.journal = journal = FullJournal(AppFolder(tmp_path / "app"), SystemClock())

    def fills_the_disk() -> str:
        journal.is_full = True
        return ""

    stage.does[step] = fills_the_disk
    with pytest.raises(Unended, match="No space left"):
        stage.run()
    assert FORWARD[FORWARD.index(step) + 1] not in stage.ran
    assert stage.ran[-3:] == [Step.RETURN_BACK, Step.HOOK_FAILED, Step.CLEAR]
    assert stage.found().end is None
    journal.is_full = False
    assert stage.run(stage.found()) is End.TAKEN_BACK


def test_room_is_made_at_the_end(tmp_path: Path) -> None:
    """A proven release is watched and kept also while no note can be made, and older ones make room for the last."""
    stage = Stage(tmp_path)
    stage.journal = journal = FullJournal(AppFolder(tmp_path / "app"), SystemClock())

    def turns(*, is_full: bool) -> str:
        journal.is_full = is_full
        return ""

    stage.does[Step.RETURN] = lambda: turns(is_full=True)
    stage.does[Step.KEEP] = lambda: turns(is_full=False)
    assert stage.run() is End.DEPLOYED
    assert stage.found().end is End.DEPLOYED


def test_found_while_the_disk_is_full(tmp_path: Path) -> None:
    """What a crash left is taken back all the same: a drained host does not wait for somebody to free space."""
    stage = Stage(tmp_path)
    stage.journal = journal = FullJournal(AppFolder(tmp_path / "app"), SystemClock())
    stage.does[Step.SWITCH] = dies
    with pytest.raises(Killed):
        stage.run()
    journal.is_full = True
    with pytest.raises(DeployError, match="No space left"):
        stage.run(stage.found())
    assert Step.RETURN_BACK in stage.ran


def test_a_text_that_no_file_can_hold(stage: Stage) -> None:
    """An error may quote a file name of any bytes; that is no reason to lose the note."""
    stage.does[Step.PROVE] = fails("no \udcff")
    assert stage.run() is End.TAKEN_BACK
    failure = stage.found().failure
    assert failure is not None
    assert failure.text == "no \\udcff"
