"""JSON lines: one object a line, its time under one of the usual keys."""

from __future__ import annotations

import orjson

from vawsum_agent.logs.formats.format import Format
from vawsum_agent.logs.formats.iso8601 import MAX_TIME_BYTES, parse_time
from vawsum_agent.logs.formats.zones import Zone, dated

TIME_KEYS = ("time", "timestamp", "ts", "@timestamp", "datetime", "date")
"""Top-level keys that may hold the time; the first whose value can be read as one counts."""


def json_lines(zone: Zone) -> Format:
    """Make the format of JSON lines. Numbers are epoch times in s, ms, µs or ns by their size."""
    return Format(
        name="json",
        is_multiline=False,
        start=None,
        times=None,
        is_contextual=not zone.is_fixed,
        time_text=json_time_text,
        time_ms=dated(parse_time, zone),
    )


def json_time_text(entry: bytes) -> bytes | None:
    """Find the time's text in one line; None when the line is no JSON object or has no time."""
    try:
        # Loggers let invalid UTF-8 of clients through; orjson would refuse the whole line for it.
        document = orjson.loads(entry if entry.isascii() else entry.decode("utf-8", "replace"))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    for key in TIME_KEYS:
        text = _as_text(document.get(key))
        if text and parse_time(text):
            return text
    return None


def _as_text(value: object) -> bytes | None:
    if isinstance(value, str):
        return value.strip().encode("utf-8", "replace") if len(value) <= MAX_TIME_BYTES else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return b"%d" % value
    return f"{value:.6f}".encode() if isinstance(value, float) else None
