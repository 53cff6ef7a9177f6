"""What the records of one application come to: what is served, what happened last, what is left to be done. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.deploy.machine import FORWARD, End, Note, Step, is_going_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.deploy.record import Line, Record

POINTED_TO = "pointed to"
"""Under this it is remembered which release ``current`` pointed to when it could not be switched back."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an application stands on this host. None where there is no such deploy.

    Attributes:
        current: the release that is served, as far as can be told.
        latest: the deploy that was asked for last.
        deployed: the last one whose release came into service and stayed.
        unfinished: has to be finished or taken back; what is under way is unfinished, too.
        stuck: could be neither. A later deploy that ended otherwise has made an end of it.
    """

    current: str | None = None
    latest: Record | None = None
    deployed: Record | None = None
    unfinished: Record | None = None
    stuck: Record | None = None


def standing(newest_first: Sequence[Record], linked: str | None) -> Standing:
    """Sum up.

    Args:
        newest_first: records, at least down to the last one that was deployed.
        linked: the release that ``current`` was seen to point to; None where it was not seen, or is none of ours.
    """
    latest = newest_first[0] if newest_first else None
    unfinished = next((record for record in newest_first if record.end is None), None)
    ended = next((record for record in newest_first if record.end is not None), None)
    return Standing(
        current=linked or (None if latest is None else serving(latest)),
        latest=latest,
        deployed=next((record for record in newest_first if record.has_served), None),
        unfinished=unfinished,
        stuck=ended if ended is not None and ended.end == End.STUCK else None,
    )


def serving(record: Record) -> str | None:
    """Which release ``current`` points to after what a record tells; None where that is none of ours, or not known."""
    notes = record.notes
    begun = {note.step for note in notes}
    if Step.SWITCH not in begun or Note(Step.SWITCH_BACK, "done") in notes:
        return record.previous or None
    if Step.SWITCH_BACK in begun:
        return record.recall(POINTED_TO, str) or None
    return record.release if Note(Step.SWITCH, "done") in notes else None


def why_not_deployed(record: Record) -> Line | None:
    """What failed, or was cut off; None where its release is in service all the same, as after a crash on the way."""
    return None if record.has_served else record.failure


def step_of(record: Record) -> Line | None:
    """The step that is under way, or was last; None before the first."""
    return record.lines[-1] if record.lines else None


def touched_at(record: Record) -> float:
    """When something was last noted of it, in seconds since the epoch."""
    return record.lines[-1].at if record.lines else record.began_at


def is_taken_back(record: Record) -> bool:
    """Whether what is under way is the way back."""
    return is_going_back(record.notes)


def stuck_at(record: Record) -> Line | None:
    """The step back that failed last, because of which it is stuck."""
    back = [line for line in record.lines if line.step not in FORWARD and line.phase == "failed"]
    return back[-1] if back else None
