"""How long this host was away. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["in service", "untouched", "terminated"]


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """That nothing is sent here any more. Both in seconds since the epoch.

    Attributes:
        left_at: when it began to leave; of several attempts the first is what counts.
    """

    left_at: float
    drained_at: float


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """That it is where it was.

    Attributes:
        outcome: ``untouched`` where there was nothing to leave; ``terminated`` where its Auto Scaling group ends this
            host, or let it go from standby, so that there is no place to come back to.
        back_at: seconds since the epoch.
        was_away: something had to be asked for; else it was where it belongs from the first look on.
    """

    outcome: Outcome
    back_at: float
    was_away: bool = True


def out_of_service_s(left_at: float | None, back_at: float | None) -> float | None:
    """Tell for how long a host was away; None where it never left, or is not back. A clock set back gives zero."""
    if left_at is None or back_at is None:
        return None
    return max(0.0, back_at - left_at)
