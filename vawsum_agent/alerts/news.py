"""What of a trouble is news to people who were told of it. Pure; the rule is number 5 of `decide`.

A problem's *kind* is its text less what changes without changing anything: figures, times, ids. The component's state
is a kind, too. Kinds are remembered as short digests: a memory is written with every look.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vawsum_agent.alerts.memory import Told, Trouble
from vawsum_agent.core.component import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.core.component import ComponentStatus, Problem

LASTING_S = 60.0
FIRST_GAP_S = 300.0
UPDATE_S = 1800.0
FAILED_LOOKS = 2

MOST_PROBLEMS = 10
"""A message lists no more; how many there are beside them is told."""

MOST_KINDS = 200
"""Of a component with more problems than that, the others are counted and no news."""

_MOST_DOUBLINGS = 8
_FIGURES = re.compile(r"\b[0-9a-f-]{8,}\b|[0-9]+(?:[.,:][0-9]+)*", re.IGNORECASE)


def kind_of(problem: Problem) -> str:
    """Digest what a problem says, less its figures."""
    gist = " ".join(_FIGURES.sub("#", problem.what).split())
    return f"{zlib.crc32(gist.encode('utf-8', 'replace')):08x}"


def kinds_of(status: ComponentStatus) -> tuple[str, ...]:
    """Give the kinds that are there now, each once, the state first."""
    problems = status.all_problems()[:MOST_KINDS]
    return tuple(dict.fromkeys([status.state.value, *map(kind_of, problems)]))


def listed(problems: Sequence[Problem], told: Told | None) -> tuple[tuple[Problem, ...], int]:
    """Choose those that a message lists, what the last one did not name first; and count the others."""
    if told is not None:
        problems = sorted(problems, key=lambda problem: kind_of(problem) in told.kinds)
    return tuple(problems[:MOST_PROBLEMS]), max(0, len(problems) - MOST_PROBLEMS)


def told_now(trouble: Trouble, kinds: tuple[str, ...], before: Told | None = None) -> Told:
    """Remember that a message names these kinds."""
    known = () if before is None else before.known
    return Told(
        kinds=kinds,
        known=tuple(dict.fromkeys([*known, *kinds]))[-MOST_KINDS:],
        has_failed=trouble.state is State.FAILED or (before is not None and before.has_failed),
        updates=0 if before is None else before.updates + 1,
    )


def seen(told: Told, kinds: tuple[str, ...], step_s: float) -> Told:
    """Add a look that found it bad: what was not named is there for so much longer, or for the first time."""
    before = told.untold_s
    untold_s = {kind: before[kind] + step_s if kind in before else 0.0 for kind in kinds if kind not in told.kinds}
    return replace(told, untold_s=untold_s)


def is_due(told: Told, trouble: Trouble) -> bool:
    """Whether there is news, and it is time to tell it."""
    if trouble.failed_looks >= FAILED_LOOKS and not told.has_failed:
        return True
    lasting = [kind for kind, there_s in told.untold_s.items() if there_s >= LASTING_S]
    is_new = any(kind not in told.known and kind not in tuple(State) for kind in lasting)
    gap_s = min(UPDATE_S, FIRST_GAP_S * 2 ** min(told.updates, _MOST_DOUBLINGS)) if is_new else UPDATE_S
    return bool(lasting) and told.silent_s >= gap_s
