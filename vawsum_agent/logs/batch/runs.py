"""Finds runs of lines that share a time without looking at each line: halve, then count to prove it.

A log that is written in time order has few times and many lines. Two bounds of a run are found by halving; that all
lines between them carry the time is then proven by counting: as many marked times as line ends.
"""

from __future__ import annotations

from itertools import compress
from operator import ne
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
    marked_lines = 0
    while position < size:
        match = lines.match(block, position)
        text = match[1] if match else None
        if not text:
            return None
        marked = before + text + after
        end = _end_of_run(block, position, marked)
        marked_lines += block.count(marked, position, end)
        if position == 0 and marked_lines != count_line_ends(block[:end]):
            return None
        found.append((end - position, text))
        position = end
        if len(found) == _TRIED_RUNS and position < _TRIED_RUNS * _WORTH_IT_BYTES:
            return None
    # No line holds a marked time twice: as many of them as lines means that every line has the one of its run.
    return found if marked_lines == count_line_ends(block) else None


def split_runs(
    block: bytes, lines: re.Pattern[bytes] | None, mark: tuple[bytes, bytes] | None
) -> list[tuple[int, bytes]] | None:
    """Do as `find_runs` for lines in any order: slower, still in bulk.

    The block is split at what the times of its first and last line have in common, up to half of a time: most often
    all lines have that, the late ones too.

    Returns:
        None when the format can't tell, or not every line has a time that begins so.
    """
    if lines is None or mark is None or block[-1:] != b"\n":
        return None
    first, last = lines.match(block), lines.match(block, block.rfind(b"\n", 0, -1) + 1)
    if not first or not last or not first[1] or not last[1] or len(first[1]) != len(last[1]):
        return None
    before, after = mark
    common = before + _alike(first[1], last[1])[: len(first[1]) // 2]
    rest = len(before) + len(first[1]) + len(after) - len(common)
    _, *pieces = block.split(common)
    if len(pieces) != count_line_ends(block):
        return None
    stated = [piece[:rest] for piece in pieces]
    texts = {text: _text_of(common + text, lines) for text in set(stated)}
    if not all(texts.values()):
        return None
    # Every piece holds one newline and every line one time, so behind a run's first line another time is first met
    # in the run that follows it.
    found = []
    start, current = 0, stated[0]
    for following in compress(stated[1:], map(ne, stated, stated[1:])):
        end = block.rfind(b"\n", start, block.find(common + following, start)) + 1
        if end == 0:
            return None  # a line holds two times, and another one none
        found.append((end - start, texts[current]))
        start, current = end, following
    found.append((len(block) - start, texts[current]))
    return found


def _alike(one: bytes, other: bytes) -> bytes:
    length = next((at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right), len(one))
    return one[:length]


def _text_of(marked: bytes, lines: re.Pattern[bytes]) -> bytes:
    match = lines.match(marked + b"\n")
    return match[1] if match else b""


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
