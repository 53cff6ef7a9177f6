"""How long a destination is left alone after failures. Pure but for the dice, which are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_FIRST_S = 0.25
_LONGEST_S = 30.0


def backoff_s(failures: int, dice: random.Random) -> float:
    """Seconds to wait after so many failures in a row: doubling, capped, with jitter between half and all of it.

    Jitter keeps a thousand hosts, throttled in the same second, from coming back in the same second.
    """
    full = min(_LONGEST_S, _FIRST_S * 2.0 ** min(failures - 1, 16))
    return full * dice.uniform(0.5, 1.0)
