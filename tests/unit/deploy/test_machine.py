"""What a deploy does next, whatever was done before and wherever it failed or died."""

from __future__ import annotations

import pytest

from vawsum_agent.deploy.machine import FORWARD, End, Note, Step, again, next_step, way_back

BACK = (Step.SWITCH_BACK, Step.RELOAD_BACK, Step.PROVE_BACK)
ENDING = (Step.HOOK_FAILED, Step.CLEAR)


def through(step: Step) -> list[Note]:
    """All that comes before a step, done, and the step begun."""
    before = FORWARD[: FORWARD.index(step)]
    return [*(Note(one, phase) for one in before for phase in ("begun", "done")), Note(step, "begun")]


def walk(notes: list[Note]) -> tuple[list[Step], End]:
    """Carry out whatever comes next, each step well, until it ends."""
    steps: list[Step] = []
    while not isinstance(step := next_step(notes), End):
        notes = [*notes, Note(step, "begun"), Note(step, "done")]
        steps.append(step)
    return steps, step


def test_all_is_well() -> None:
    """Forward from the first step to the last."""
    assert walk([]) == (list(FORWARD), End.DEPLOYED)


UNTOUCHED = (Step.FETCH, Step.PREPARE, Step.HOOK_FETCHED, Step.RECORD)
DRAINED = (Step.DRAIN, Step.HOOK_DRAINED)
SWITCHED = (Step.SWITCH, Step.HOOK_SWITCHED, Step.RELOAD, Step.PROVE, Step.HOOK_HEALTHY)


@pytest.mark.parametrize(
    ("failing", "expected"),
    [
        *((step, ENDING) for step in UNTOUCHED),
        *((step, (Step.RETURN_BACK, *ENDING)) for step in DRAINED),
        *((step, (*BACK, Step.RETURN_BACK, *ENDING)) for step in SWITCHED),
        *((step, (Step.DRAIN_AGAIN, *BACK, Step.RETURN_BACK, *ENDING)) for step in (Step.RETURN, Step.GUARD)),
    ],
)
def test_a_step_fails(failing: Step, expected: tuple[Step, ...]) -> None:
    """What was begun is taken back, in its order, and nothing else."""
    assert walk([*through(failing), Note(failing, "failed")]) == (list(expected), End.TAKEN_BACK)


def test_tidying_fails() -> None:
    """A release that serves and is proven is not taken back because an older one can't be removed."""
    assert next_step([*through(Step.KEEP), Note(Step.KEEP, "failed")]) == End.DEPLOYED


@pytest.mark.parametrize("dying", FORWARD)
def test_the_process_dies(dying: Step) -> None:
    """Before the host is on its way back it ends in the old release, from then on in the new one."""
    steps, end = walk([*through(dying), Note(dying, "interrupted")])
    if FORWARD.index(dying) < FORWARD.index(Step.RETURN):
        assert (steps, end) == (way_back(through(dying)), End.TAKEN_BACK)
    else:
        assert (steps, end) == (list(FORWARD[FORWARD.index(dying) :]), End.DEPLOYED)


@pytest.mark.parametrize("failing", [step for step in FORWARD if step != Step.KEEP])
def test_the_process_dies_on_the_way_back(failing: Step) -> None:
    """At whichever step: the rest of the way is gone, that step again, none before it."""
    notes = [*through(failing), Note(failing, "failed")]
    expected, _ = walk(notes)
    for number, step in enumerate(expected):
        died = [*notes, Note(step, "begun"), Note(step, "interrupted")]
        assert walk(died) == (expected[number:], End.TAKEN_BACK)
        notes = [*notes, Note(step, "begun"), Note(step, "done")]


@pytest.mark.parametrize("step", [*BACK, Step.RETURN_BACK])
def test_a_step_back_fails(step: Step) -> None:
    """It stays so until somebody has it tried again; then it goes on there."""
    notes = [*through(Step.PROVE), Note(Step.PROVE, "failed")]
    while (comes := next_step(notes)) != step:
        assert isinstance(comes, Step)
        notes = [*notes, Note(comes, "begun"), Note(comes, "done")]
    notes = [*notes, Note(step, "begun"), Note(step, "failed")]
    assert next_step(notes) == End.STUCK
    assert next_step(again(notes)) == step


@pytest.mark.parametrize("step", [Step.DRAIN_AGAIN, *ENDING])
def test_what_may_fail_on_the_way_back(step: Step) -> None:
    """A host that can't be drained again, a hook, a folder: the old release comes back all the same."""
    notes = [*through(Step.GUARD), Note(Step.GUARD, "failed"), Note(step, "begun"), Note(step, "failed")]
    steps, end = walk(notes)
    assert step not in steps
    assert end == End.TAKEN_BACK
    assert Step.SWITCH_BACK in steps


def test_a_proven_host_is_not_drained_once_more() -> None:
    """Tried again after the old release was proven, only what is left is done, though the drain had failed as well."""
    notes = [*through(Step.GUARD), Note(Step.GUARD, "failed"), Note(Step.DRAIN_AGAIN, "begun")]
    notes = [*notes, Note(Step.DRAIN_AGAIN, "failed")]
    notes += [Note(step, phase) for step in BACK for phase in ("begun", "done")]
    notes += [Note(Step.RETURN_BACK, "begun"), Note(Step.RETURN_BACK, "failed")]
    assert next_step(notes) == End.STUCK
    assert walk(again(notes)) == ([Step.RETURN_BACK, *ENDING], End.TAKEN_BACK)
