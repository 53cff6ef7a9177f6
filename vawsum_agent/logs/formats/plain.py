"""Any text log: its own ``multiline_start`` and ``timestamp_format``, from the configuration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vawsum_agent.logs.formats.format import Format, TimeMs, TimeText, no_time_ms, no_time_text
from vawsum_agent.logs.formats.strptime import TimestampFormat

if TYPE_CHECKING:
    from vawsum_agent.logs.formats.zones import Zone

_SEARCHED_BYTES = 1024
"""How far into an entry's first line its timestamp is looked for."""

_GLOBAL_FLAGS = re.compile(r"\(\?([aimsx]+)\)")


def plain(multiline_start: str, timestamp_format: str, zone: Zone) -> Format:
    """Make the format of a plain log.

    Args:
        multiline_start: a regular expression that matches where an entry begins, from the start of its line; empty:
            every line is an entry.
        timestamp_format: a strptime(3) format, looked for in an entry's first line; empty: entries have no time.
        zone: of timestamps without an offset.

    Raises:
        ValueError: one of the two can't be compiled; the message says why.
    """
    start = compile_start(multiline_start) if multiline_start else None
    is_contextual, time_text, time_ms = _times(timestamp_format, zone)
    return Format(
        name="plain",
        is_multiline=start is not None,
        start=start,
        times=None,
        is_contextual=is_contextual,
        time_text=time_text,
        time_ms=time_ms,
    )


def compile_start(expression: str) -> re.Pattern[bytes]:
    """Compile a ``multiline_start`` to a pattern that matches without width, once at each line where it fits.

    Raises:
        ValueError: it is no regular expression.
    """
    flags = re.MULTILINE
    own_flags = _GLOBAL_FLAGS.match(expression)
    if own_flags:
        for letter in own_flags[1]:
            flags |= re.RegexFlag[letter.upper()]
        expression = expression[own_flags.end() :]
    try:
        # The end of the text is a line start to `^`, but no line.
        return re.compile(rb"^(?!\Z)(?=" + expression.encode() + rb")", flags)
    except (re.error, OverflowError, RecursionError) as error:
        msg = f"{expression!r} is no regular expression: {error}"
        raise ValueError(msg) from error


def _times(timestamp_format: str, zone: Zone) -> tuple[bool, TimeText, TimeMs]:
    if not timestamp_format:
        return False, no_time_text, no_time_ms
    timestamp = TimestampFormat(timestamp_format)
    search = timestamp.pattern.search

    def time_text(entry: bytes) -> bytes | None:
        newline = entry.find(b"\n", 0, _SEARCHED_BYTES)
        found = search(entry, 0, newline if newline >= 0 else _SEARCHED_BYTES)
        return found[0] if found else None

    def time_ms(text: bytes, latest_ms: int | None, now: float) -> int | None:
        return timestamp.epoch_ms(text, zone, latest_ms, now)

    has_own_zone = "zone" in timestamp.pattern.groupindex
    is_contextual = timestamp.is_yearless or has_own_zone or not zone.is_fixed
    return is_contextual, time_text, time_ms
