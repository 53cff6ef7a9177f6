"""Finds runs of lines that share a time without looking at each line: halve, then count to prove it.

A log that is written in time order has few times and many lines. Two bounds of a run are found by halving; that all
lines between them carry the time is then proven by counting: as many marked times as line ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.lines import count_line_ends

if TYPE_CHECKING:
    import re

_TRIED_RUNS = 8
_WORTH_IT_BYTES = 2048
_NARROW_BYTES = 1024


def find_runs(
    block: bytes, lines: re.Pattern[bytes] | None, mark: tuple[bytes, bytes] | None
) -> list[tuple[int, bytes]] | None:
    """Split ``block`` into runs of lines as (bytes, text of the time).

    Args:
        block: whole lines.
        lines: see `Format.lines`.
        mark: see `Format.run_mark`.

    Returns:
        None when the format can't tell, the lines are not in order, some have no time, or runs are too short to pay.
    """
    if lines is None or mark is None or block[-1:] != b"\n":
        return None
    before, after = mark
    found: list[tuple[int, bytes]] = []
    position = 0
    size = len(block)
    while position < size:
        match = lines.match(block, position)
        text = match[1] if match else None
        if not text:
            return None
        marked = before + text + after
        end = _end_of_run(block, position, marked)
        if block.count(marked, position, end) != count_line_ends(block, position, end):
            return None
        found.append((end - position, text))
        position = end
        if len(found) == _TRIED_RUNS and position < _TRIED_RUNS * _WORTH_IT_BYTES:
            return None
    return found


def _end_of_run(block: bytes, start: int, marked: bytes) -> int:
    low = block.find(b"\n", start) + 1
    high = len(block)
    while high - low > _NARROW_BYTES:
        middle = block.find(b"\n", (low + high) // 2) + 1
        line_end = block.find(b"\n", middle) + 1
        if line_end == 0 or middle >= high:
            break
        if block.find(marked, middle, line_end) >= 0:
            low = line_end
        else:
            high = middle
    while low < high:
        line_end = block.find(b"\n", low) + 1
        if block.find(marked, low, line_end) < 0:
            return low
        low = line_end
    return low
