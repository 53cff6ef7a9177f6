"""Whether a backup's size is one to wonder about. Pure."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from vawsum_agent.core.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPARED = 7
"""The last so many backups are what is usual: a week of nights."""

_LEAST = 3
_SMALLER, _LARGER = 0.5, 2.0
_TRIFLE_BYTES = 1 << 20
"""Databases of less double with an afternoon's work."""


def unusual(raw_bytes: int, before: Sequence[int]) -> str | None:
    """Say in a sentence what is unusual about a size; None where nothing is, or too little is known.

    Args:
        raw_bytes: of the dump's SQL.
        before: of the backups before it, in any order.
    """
    if len(before) < _LEAST:
        return None
    usual = statistics.median(before)
    if max(raw_bytes, usual) < _TRIFLE_BYTES or _SMALLER * usual <= raw_bytes <= _LARGER * usual:
        return None
    return (
        f"{format_bytes(raw_bytes)} of SQL, where the last {len(before)} had {format_bytes(int(usual))} in the middle"
    )
