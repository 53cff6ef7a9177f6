"""Ends a full batch where a second ends, so that the next one shares no time with it and may travel beside it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.logs.batch.layout import Layout

_MOST_RUNS = 256
_LARGEST_SHARE = 3


def trim_to_whole_seconds(layout: Layout, length: int) -> tuple[Layout, int]:
    """Leave the last run to the next batch, when times only grow and it is no large part of this one.

    Returns:
        The layout without it, and the bytes that it covers then.
    """
    runs = layout.runs
    if not 1 < len(runs) <= _MOST_RUNS or runs[-1].length * _LARGEST_SHARE > length:
        return layout, length
    if any(later.time_ms <= earlier.time_ms for earlier, later in pairwise(runs)):
        return layout, length
    return replace(layout, runs=runs[:-1]), length - runs[-1].length
