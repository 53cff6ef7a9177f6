"""How many messages go out: a burst of ten, then one a minute; what is held back is told together. Pure.

Invariant: a letter that comes in goes out as it is, or is told of in a summary, or is counted in one. Time is observed
time, as in `decide`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

BURST = 10
REFILL_S = 60.0
MOST_HELD = 100


class Letter(msgspec.Struct, frozen=True):
    """A message as people get it; ``gist`` is its one line in a summary."""

    at: float
    subject: str
    body: str
    gist: str


class Pace(msgspec.Struct, frozen=True):
    """What may be sent, and what is held back.

    Attributes:
        allowed: how many may go at once; a fraction is on its way to the next.
        held: oldest first.
        left_out: how many more were held back than are kept.
    """

    allowed: float = float(BURST)
    held: tuple[Letter, ...] = ()
    left_out: int = 0


AT_REST = Pace()


class Admitted(NamedTuple):
    """What goes out now: letters by themselves, then those of a summary, with how many it can only count."""

    letters: tuple[Letter, ...] = ()
    together: tuple[Letter, ...] = ()
    left_out: int = 0


def admit(pace: Pace, letters: Sequence[Letter], step_s: float) -> tuple[Pace, Admitted]:
    """Let through what may go, after ``step_s`` more seconds."""
    pace = replace(pace, allowed=min(float(BURST), pace.allowed + step_s / REFILL_S))
    direct: tuple[Letter, ...] = ()
    if not pace.held:
        direct = tuple(letters[: int(pace.allowed)])
        pace = replace(pace, allowed=pace.allowed - len(direct))
    pace = _holding(pace, tuple(letters[len(direct) :]))
    if not pace.held or pace.allowed < 1:
        return pace, Admitted(direct)
    released = replace(pace, allowed=pace.allowed - 1, held=(), left_out=0)
    if len(pace.held) == 1 and not pace.left_out:
        return released, Admitted((*direct, *pace.held))
    return released, Admitted(direct, pace.held, pace.left_out)


def _holding(pace: Pace, letters: tuple[Letter, ...]) -> Pace:
    held = pace.held + letters
    surplus = max(0, len(held) - MOST_HELD)
    return replace(pace, held=held[surplus:], left_out=pace.left_out + surplus)
