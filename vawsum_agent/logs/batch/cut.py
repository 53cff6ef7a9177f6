"""How much of what was read can leave as one batch: whole entries only, within the service's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.limits import (
    EVENT_OVERHEAD_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MAX_MESSAGE_BYTES,
)
from vawsum_agent.logs.batch.lines import count_line_ends

if TYPE_CHECKING:
    import re

BLOCK_BYTES = MAX_BATCH_BYTES
"""As much as is read for one batch: each line costs more in the batch than in the file, so it never takes more."""

_CONTINUATION = range(0x80, 0xC0)


def cut_lines(block: bytes, *, is_last: bool) -> int:
    """Count the leading bytes of ``block`` that are whole lines and fit one batch.

    An unfinished line stays back, unless ``is_last`` says that no more will come or it fills an event by itself: then
    it is cut at the limit of an event and goes on in the next.
    """
    whole = block.rfind(b"\n") + 1
    end = len(block) if is_last else whole
    if end == 0:
        return cut_endless(block)
    while True:
        # The bytes behind the last newline, which are few, hold none: most often nothing is copied to count.
        lines = count_line_ends(block if end == whole else block[:end])
        if _fits(end, lines):
            return end
        size = end + (EVENT_OVERHEAD_BYTES - 1) * lines
        share = min(MAX_BATCH_BYTES / size, MAX_BATCH_EVENTS / lines) if lines else MAX_BATCH_BYTES / size
        shorter = block.rfind(b"\n", 0, min(int(end * share), end - 1)) + 1
        if shorter == 0:
            first = block.find(b"\n") + 1
            return first if 0 < first <= MAX_MESSAGE_BYTES else cut_endless(block)
        end = shorter


def cut_entries(block: bytes, start: re.Pattern[bytes], *, is_last: bool, is_settled: bool) -> int:
    """Count the leading bytes of ``block`` that are whole entries and fit one batch; entries may have many lines.

    The last entry stays back until the next one starts, unless ``is_settled`` says that nothing came for a while:
    then its whole lines go; or ``is_last``: then all of it does.
    """
    lines_end = block.rfind(b"\n") + 1
    end = len(block) if is_last else lines_end if is_settled else 0
    if not _fits(end, 1):
        end = 0
    last = 0
    for count, match in enumerate(start.finditer(block, 0, lines_end)):
        if count and not _fits(match.start(), count):
            return last or cut_endless(block)
        last = match.start()
        if end and not _fits(end, count + 1):
            end = 0
    return end or last or cut_endless(block)


def _fits(size: int, entries: int) -> bool:
    return size + (EVENT_OVERHEAD_BYTES - 1) * entries <= MAX_BATCH_BYTES and entries <= MAX_BATCH_EVENTS


def cut_endless(block: bytes) -> int:
    """Cut an entry that is longer than an event may be, between two characters; 0 while it is not that long yet."""
    if len(block) < MAX_MESSAGE_BYTES:
        return 0
    end = MAX_MESSAGE_BYTES
    for back in range(4):
        if block[end - back] not in _CONTINUATION:
            return end - back
    return end
