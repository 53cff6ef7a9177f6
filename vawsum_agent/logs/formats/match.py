"""How well a format fits the lines of a live file; for the doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.formats.format import Format, no_time_text
from vawsum_agent.logs.formats.mysql import slow_time_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAY_FIND_NO_TIME = (no_time_text, slow_time_text)
"""A plain format without ``timestamp_format``; MySQL's slow log, whose restart banner is an entry without a time."""

_SOME_TIME_S = 1_750_000_000.0
"""Whether a text can be read does not depend on the time of reading."""


def match_rate(log_format: Format, lines: Sequence[bytes]) -> tuple[int, int, bytes | None]:
    """Count the lines that the format explains.

    Of a line format those with a readable timestamp. Of a multi-line format those of entries with a readable
    timestamp at their start; lines before the first start are left out, since a sample may begin inside an entry,
    unless there is no start at all. Entries that need no time count by their start alone. Empty lines of a line format
    are left out.

    Args:
        log_format: what to try.
        lines: complete lines in file order, with or without their newline.

    Returns:
        Lines explained, lines looked at, and the first line (without its newline) that was not explained.
    """
    stripped = [line.rstrip(b"\r\n") for line in lines]
    if log_format.start is not None:
        return _match_entries(log_format, stripped)
    judged = [line for line in stripped if line]
    unexplained = [line for line in judged if not _is_dated(log_format, line)]
    return len(judged) - len(unexplained), len(judged), unexplained[0] if unexplained else None


def _match_entries(log_format: Format, lines: list[bytes]) -> tuple[int, int, bytes | None]:
    entries = _entries(log_format, lines)
    if not entries:
        return 0, len(lines), next((line for line in lines if line), None)
    matched, total, example = 0, 0, None
    for entry in entries:
        total += len(entry)
        if _is_dated(log_format, b"\n".join(entry) + b"\n"):
            matched += len(entry)
        elif example is None:
            example = entry[0]
    return matched, total, example


def _entries(log_format: Format, lines: list[bytes]) -> list[list[bytes]]:
    """Group lines to entries, without those before the first start."""
    if log_format.start is None or not lines:
        return []
    text = b"\n".join(lines) + b"\n"
    starts = {found.start() for found in log_format.start.finditer(text)}
    entries: list[list[bytes]] = []
    offset = 0
    for line in lines:
        if offset in starts:
            entries.append([])
        if entries:
            entries[-1].append(line)
        offset += len(line) + 1
    return entries


def _is_dated(log_format: Format, entry: bytes) -> bool:
    text = log_format.time_text(entry)
    if text is None:
        return log_format.time_text in _MAY_FIND_NO_TIME
    return log_format.time_ms(text, None, _SOME_TIME_S) is not None
