"""Which bytes of a block belong to which minute or second, and how much of them is looked at together. Pure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.layout import TOO_OLD_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vawsum_agent.logs.batch.layout import Run

MINUTE_MS = 60_000
SECOND_MS = 1_000
BY_MINUTES_ALONE = sys.maxsize

Span = tuple[int, int]
"""Start and end in the block."""


def spans_by_period(runs: Iterable[Run], seconds_from_ms: int = BY_MINUTES_ALONE) -> dict[int, list[Span]]:
    """Put neighbouring runs of one minute together; those too old to be sent are left out.

    Args:
        runs: of a block.
        seconds_from_ms: a whole minute, from which on it goes by seconds.

    Returns:
        By the millisecond at which a minute or second begins, where its lines are, in the order of the file.
    """
    spans: dict[int, list[Span]] = {}
    start = end = 0
    current_ms = TOO_OLD_MS
    for length, time_ms in runs:
        period_ms = time_ms - time_ms % (MINUTE_MS if time_ms < seconds_from_ms else SECOND_MS)
        period_ms = period_ms if time_ms != TOO_OLD_MS else TOO_OLD_MS
        if period_ms != current_ms:
            if current_ms != TOO_OLD_MS:
                spans.setdefault(current_ms, []).append((start, end))
            start, current_ms = end, period_ms
        end += length
    if current_ms != TOO_OLD_MS:
        spans.setdefault(current_ms, []).append((start, end))
    return spans


def parts_of(block: bytes, spans: Iterable[Span], size: int) -> Iterator[bytes]:
    """Give the lines in the spans in parts of whole lines, of ``size`` bytes and up to one line more.

    Only the last line of a block may lack its newline, and with that the last line of the last part.
    """
    gathered: list[bytes] = []
    missing = size
    for begin, end in spans:
        start = begin
        while start < end:
            # Up to a newline that is not before the size is reached: of a span that is shorter, all of it.
            stop = block.find(b"\n", start + missing - 1, end) + 1 or end
            gathered.append(block[start:stop])
            missing -= stop - start
            start = stop
            if missing <= 0:
                yield b"".join(gathered)
                gathered, missing = [], size
    if gathered:
        yield b"".join(gathered)
