"""Which step of a deploy comes next, from nothing but what the journal says was begun, done and failed. Pure.

A deploy goes `FORWARD` until a step fails, or until its process dies. From then on it goes the `way_back`: what was
begun is taken back in its own order, and what never began is left alone. Invariants, whatever dies wherever:

- a step is begun in the journal before anything is done, so that what may have happened is always known;
- every step may be carried out again: one that was begun and not done is;
- nothing is taken back twice, and nothing that was not begun;
- once the host is on its way back into service with the new release, that release was proven: it is finished, not
  taken back, unless the guard says otherwise;
- a step back that fails ends in `End.STUCK`, the one state that asks for a person. The next deploy or recovery tries it
  `again`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Step(StrEnum):
    """What is done, in the words of the journal, the output and the notifications."""

    FETCH = "fetch"
    PREPARE = "prepare"
    HOOK_FETCHED = "hook fetched"
    RECORD = "record"
    DRAIN = "drain"
    HOOK_DRAINED = "hook drained"
    SWITCH = "switch"
    HOOK_SWITCHED = "hook switched"
    RELOAD = "reload"
    PROVE = "prove"
    HOOK_HEALTHY = "hook healthy"
    RETURN = "return"
    GUARD = "guard"
    KEEP = "keep"

    DRAIN_AGAIN = "drain again"
    SWITCH_BACK = "switch back"
    RELOAD_BACK = "reload back"
    PROVE_BACK = "prove back"
    RETURN_BACK = "return back"
    HOOK_FAILED = "hook failed"
    CLEAR = "clear"


class End(StrEnum):
    """How a deploy ends."""

    DEPLOYED = "deployed"
    TAKEN_BACK = "taken back"
    STUCK = "stuck"


FORWARD = (
    Step.FETCH,
    Step.PREPARE,
    Step.HOOK_FETCHED,
    Step.RECORD,
    Step.DRAIN,
    Step.HOOK_DRAINED,
    Step.SWITCH,
    Step.HOOK_SWITCHED,
    Step.RELOAD,
    Step.PROVE,
    Step.HOOK_HEALTHY,
    Step.RETURN,
    Step.GUARD,
    Step.KEEP,
)

_MAY_FAIL = frozenset({Step.DRAIN_AGAIN, Step.HOOK_FAILED, Step.CLEAR})
"""Steps back whose failure stops nothing: the old release is worth more than a drained host or a tidy folder."""

Phase = Literal["begun", "done", "failed", "interrupted"]


class Note(NamedTuple):
    """One line of the journal.

    Attributes:
        phase: ``interrupted`` is noted by whoever finds a step begun whose process is gone.
    """

    step: Step
    phase: Phase


def next_step(notes: Sequence[Note]) -> Step | End:
    """Say what comes next.

    Args:
        notes: all of one deploy, the oldest first. A step that is begun and neither done nor failed is under way:
            whoever finds it so and is not the one who does it notes ``interrupted`` first.
    """
    if not is_going_back(notes):
        ended = {note.step for note in notes if note.phase in {"done", "failed"}}
        return next((step for step in FORWARD if step not in ended), End.DEPLOYED)
    for step in way_back(notes):
        latest = _latest(notes, step)
        if latest == "done" or (latest == "failed" and step in _MAY_FAIL):
            continue
        return End.STUCK if latest == "failed" else step
    return End.TAKEN_BACK


def is_going_back(notes: Sequence[Note]) -> bool:
    """Whether it is being taken back: a step failed, or the process died before the new release was proven."""
    returning = any(note.step == Step.RETURN for note in notes)
    for note in notes:
        if note.step not in FORWARD:
            return True
        if note.phase == "failed" and note.step != Step.KEEP:
            return True
        if note.phase == "interrupted" and not returning:
            return True
    return False


def way_back(notes: Sequence[Note]) -> list[Step]:
    """Give the steps that take back what was begun, in their order."""
    begun = {note.step for note in notes}
    steps: list[Step] = []
    if Step.SWITCH in begun:
        # In service again, it must leave once more: nobody is served by a host that changes. Changed back, it need not.
        is_changed_back = Note(Step.PROVE_BACK, "done") in notes
        steps += [Step.DRAIN_AGAIN] if Step.RETURN in begun and not is_changed_back else []
        steps += [Step.SWITCH_BACK, Step.RELOAD_BACK, Step.PROVE_BACK]
    if Step.DRAIN in begun:
        steps.append(Step.RETURN_BACK)
    return [*steps, Step.HOOK_FAILED, Step.CLEAR]


def again(notes: Sequence[Note]) -> list[Note]:
    """Forget that steps back failed, so that a person, or the next start, can have them tried once more."""
    return [note for note in notes if note.phase != "failed" or note.step in FORWARD]


def _latest(notes: Sequence[Note], step: Step) -> Phase | None:
    return next((note.phase for note in reversed(notes) if note.step == step), None)
