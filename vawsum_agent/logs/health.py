"""What is wrong with the logs capability, from what its parts say. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.core.component import Problem, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.logs.follow.problems import Problem as FollowProblem
    from vawsum_agent.logs.ship.destination import Destination

_TOLERATED_S = 10.0
"""A destination that fails for less is a hiccup; its backlog shows it anyway."""


_ALLOW_ASKING = "allow it in the instance role's policy"


@dataclass(frozen=True, slots=True)
class Health:
    """The worst that is known, with its remedy, and everything else worth a line.

    Attributes:
        problems: what keeps it from all of its work; the notes hold more than that.
    """

    state: State = State.RUNNING
    error: str | None = None
    hint: str | None = None
    problems: tuple[Problem, ...] = ()
    notes: list[dict[str, str]] = field(default_factory=list)


def assess(
    *,
    failure: object,
    destinations: Sequence[Destination],
    now_monotonic: float,
    is_disk_full: bool,
    rebuilt_because: str | None,
    is_confirmation_allowed: bool,
    problems: Sequence[FollowProblem],
) -> Health:
    """Put the findings in the order of their weight; the first names state, error and hint."""
    if failure is not None:
        return Health(State.FAILED, str(failure), "the agent restarts this component; report it if it stays")
    notes = _notes(destinations, now_monotonic, problems, is_disk_full=is_disk_full)
    state = State.DEGRADED if notes else State.RUNNING
    found = tuple(Problem(note["what"], note["hint"]) for note in notes)
    if rebuilt_because:
        notes.append(
            {"what": f"state: {rebuilt_because}", "hint": "what was sent since is asked for before it is sent again"}
        )
    if not is_confirmation_allowed:
        notes.append({"what": "logs:GetLogEvents is not allowed: delivery is at least once", "hint": _ALLOW_ASKING})
    first = notes[0] if notes else None
    return Health(state, first["what"] if first else None, first["hint"] if first else None, found, notes)


def _notes(
    destinations: Sequence[Destination], now_monotonic: float, problems: Sequence[FollowProblem], *, is_disk_full: bool
) -> list[dict[str, str]]:
    notes: list[dict[str, str]] = []
    if is_disk_full:
        notes.append(
            {"what": "the disk of state_dir is full; shipping goes on, on the reserve", "hint": "free space on it"}
        )
    for destination in destinations:
        error = destination.last_error
        since = destination.failing_since
        if error is not None and since is not None and now_monotonic - since >= _TOLERATED_S:
            notes.append({"what": error.message, "hint": error.hint})
    notes += ({"what": f"{problem.path}: {problem.message}", "hint": problem.hint} for problem in problems)
    return notes
