"""How long a destination is left alone after failures. Pure but for the dice, which are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core import backoff

if TYPE_CHECKING:
    import random

_FIRST_S = 0.25
_LONGEST_S = 30.0


def backoff_s(failures: int, dice: random.Random) -> float:
    """Seconds to wait after so many failures in a row: doubling, capped, with jitter between half and all of it."""
    return backoff.backoff_s(failures - 1, dice.random(), first_s=_FIRST_S, longest_s=_LONGEST_S)
