"""The Format: all that reading, batching and the doctor need to know about one source's log format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import re

TimeText = Callable[[bytes], bytes | None]
TimeMs = Callable[[bytes, int | None, float], int | None]
LocalParse = Callable[[bytes], tuple[int, int | None] | None]
"""From a timestamp's text to its local time in milliseconds and its offset from UTC, None where it states none."""


@dataclass(frozen=True, slots=True)
class Format:
    """How the entries of one source are told apart and dated.

    Attributes:
        name: as the configuration calls it.
        is_multiline: lines that start no entry belong to the entry before. Otherwise every line is an entry.
        start: for multi-line formats, a multi-line pattern whose matches begin exactly where entries begin.
        times: a multi-line pattern with one group, the timestamp's text. It matches at most once an entry, at the
            entry's start, in file order: as many matches as entries means that every entry has one, and the
            groups are theirs. It may find fewer than `time_text` does, never another text. None where no pattern
            can tell.
        is_contextual: the same text may mean different times, depending on what was read before (a clock set
            back, a year left out): don't keep the answer of `time_ms`.
        time_text: the timestamp's text in one whole entry, or None.
        time_ms: the text's time in epoch milliseconds, or None when it is no possible time. Takes the file's
            latest known time in epoch milliseconds and the wall time in seconds, which settle what the text leaves
            open. Never raises.
        lines: for formats of lines in bulk: matches each whole line once, from line to line; its group is the
            timestamp's text, empty where `times` finds none.
        run_mark: what stands right before and after the text, such that no line holds a text so marked twice.
        known_ms: times of texts met lately, for all files of the source; empty where `is_contextual`.
    """

    name: str
    is_multiline: bool
    start: re.Pattern[bytes] | None
    times: re.Pattern[bytes] | None
    is_contextual: bool
    time_text: TimeText
    time_ms: TimeMs
    lines: re.Pattern[bytes] | None = None
    run_mark: tuple[bytes, bytes] | None = None
    known_ms: dict[bytes, int | None] = field(default_factory=dict, repr=False, compare=False)


def group_of(pattern: re.Pattern[bytes]) -> TimeText:
    """Make a `Format.time_text` that gives the first group of ``pattern`` at the start of the entry."""
    match = pattern.match

    def time_text(entry: bytes) -> bytes | None:
        found = match(entry)
        return found[1] if found else None

    return time_text


def no_time_text(_entry: bytes) -> bytes | None:
    """`Format.time_text` of a format without timestamps."""
    return None


def no_time_ms(_text: bytes, _latest_ms: int | None, _now: float) -> int | None:
    """`Format.time_ms` of a format without timestamps."""
    return None
