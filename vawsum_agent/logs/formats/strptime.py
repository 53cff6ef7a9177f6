"""A strptime(3) format as a pattern that finds such a time, and what it tells. English names, whatever the locale."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vawsum_agent.logs.formats.civil import DAY_MS, MONTHS, day_ms, offset_ms
from vawsum_agent.logs.formats.zones import Zone, find_zone, yearless_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONG_MONTHS = (
    b"january", b"february", b"march", b"april", b"may", b"june",
    b"july", b"august", b"september", b"october", b"november", b"december",
)  # fmt: skip
_MONTH_NUMBERS = {name.lower(): number for name, number in MONTHS.items()} | {
    name: number + 1 for number, name in enumerate(_LONG_MONTHS)
}

_DIRECTIVES: Mapping[str, bytes] = {
    "Y": rb"(?P<year>\d{4})",
    "y": rb"(?P<short_year>\d\d)",
    "m": rb"(?P<month>1[0-2]|0?[1-9])",
    "b": rb"(?P<month_name>[A-Za-z]{3,9})",
    "d": rb"(?P<day>3[01]|[12]\d|0?[1-9]| [1-9])",
    "j": rb"(?P<day_of_year>\d{3})",
    "H": rb"(?P<hour>2[0-3]|[01]\d|\d| \d)",
    "I": rb"(?P<half_hour>1[0-2]|0?[1-9]| [1-9])",
    "p": rb"(?P<half>[AaPp][Mm])",
    "M": rb"(?P<minute>[0-5]\d|\d)",
    "S": rb"(?P<second>6[01]|[0-5]\d|\d)",
    "f": rb"(?P<fraction>\d{1,9})",
    "z": rb"(?P<offset>Z|[+-]\d\d:?\d\d)",
    "Z": rb"(?P<zone>[A-Za-z][A-Za-z0-9_+\-/]{0,39})",
    "s": rb"(?P<epoch>\d{9,12})",
    "a": rb"[A-Za-z]{3,9}",
    "%": rb"%",
}
_ALIASES = {"B": "%b", "h": "%b", "A": "%a", "e": "%d", "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y"}


class TimestampFormat:
    """A compiled ``timestamp_format``.

    Attributes:
        pattern: finds the timestamp anywhere in a line.
        is_yearless: it states no year.

    Raises:
        ValueError: an unknown directive, one given twice, or no day or hour at all; the message says which.
    """

    def __init__(self, text: str) -> None:
        self.pattern = re.compile(_to_regex(text))
        fields = set(self.pattern.groupindex)
        self.is_yearless = not fields & {"year", "short_year", "epoch"}
        has_day = "epoch" in fields or "day_of_year" in fields or ("day" in fields and fields & {"month", "month_name"})
        has_hour = "epoch" in fields or "hour" in fields or {"half_hour", "half"} <= fields
        if not (has_day and has_hour) or (self.is_yearless and "day_of_year" in fields):
            msg = f"{text!r} does not tell day and hour"
            raise ValueError(msg)

    def epoch_ms(self, text: bytes, zone: Zone, latest_ms: int | None, now: float) -> int | None:
        """Return the time that ``text`` tells; None when it is no such text or no possible time."""
        found = self.pattern.fullmatch(text)
        if not found:
            return None
        parts: dict[str, bytes | None] = found.groupdict()
        since_ms = _clock_ms(parts)
        if parts.get("epoch"):
            return int(parts["epoch"] or b"0") * 1000 + _fraction_ms(parts)
        own_zone = _own_zone(parts, zone)
        offset = parts.get("offset")
        ahead_ms = offset_ms(offset) if offset else None
        if own_zone is None or (offset and ahead_ms is None):
            return None

        def to_epoch_ms(start_ms: int) -> int:
            local_ms = start_ms + since_ms
            return local_ms - ahead_ms if ahead_ms is not None else own_zone.epoch_ms(local_ms, latest_ms, now)

        if self.is_yearless:
            return yearless_ms(_month(parts), _number(parts, "day"), to_epoch_ms, now)
        start_ms = _day_ms(parts)
        return None if start_ms is None else to_epoch_ms(start_ms)


def _own_zone(parts: Mapping[str, bytes | None], zone: Zone) -> Zone | None:
    """Find the zone that the text names; an abbreviation such as IST means the source's zone if that is called so."""
    name = (parts.get("zone") or b"").decode("ascii")
    return zone if not name or name in zone.abbreviations else find_zone(name)


def _to_regex(text: str) -> bytes:
    """Translate directives, a run of white space to any run of blanks, and all else to itself."""
    for directive, meaning in _ALIASES.items():
        text = re.sub(rf"(?<!%)((?:%%)*)%{directive}", rf"\g<1>{meaning}", text)
    out = b""
    for directive, blank, literal in re.findall(r"%(.?)|(\s+)|([^%\s]+)", text, re.DOTALL):
        if literal:
            out += re.escape(literal.encode())
        elif blank:
            out += rb"[ \t]{1,8}"
        elif directive in _DIRECTIVES:
            out += _DIRECTIVES[directive]
        else:
            msg = f"{text!r} holds the unknown directive %{directive}"
            raise ValueError(msg)
    try:
        re.compile(out)
    except re.error as error:
        msg = f"{text!r} holds a directive twice ({error})"
        raise ValueError(msg) from error
    # Without an edge `3:00:00` would be found in `13:00:00`.
    return rb"(?<![0-9A-Za-z])" + out if out[:1] == b"(" else out


def _number(parts: Mapping[str, bytes | None], name: str) -> int:
    return int(parts.get(name) or b"0")


def _fraction_ms(parts: Mapping[str, bytes | None]) -> int:
    return int((parts.get("fraction") or b"0")[:3].ljust(3, b"0"))


def _month(parts: Mapping[str, bytes | None]) -> int:
    name = parts.get("month_name")
    return _MONTH_NUMBERS.get(name.lower(), 0) if name else _number(parts, "month")


def _clock_ms(parts: Mapping[str, bytes | None]) -> int:
    hour = _number(parts, "hour")
    if parts.get("half"):
        hour = _number(parts, "half_hour") % 12 + (12 if (parts["half"] or b"").lower() == b"pm" else 0)
    return ((hour * 60 + _number(parts, "minute")) * 60 + _number(parts, "second")) * 1000 + _fraction_ms(parts)


def _day_ms(parts: Mapping[str, bytes | None]) -> int | None:
    year = _number(parts, "year")
    if parts.get("short_year"):
        short = _number(parts, "short_year")
        year = short + (1900 if short >= 69 else 2000)  # noqa: PLR2004 - POSIX's pivot
    if not parts.get("day_of_year"):
        return day_ms(year, _month(parts), _number(parts, "day"))
    first_ms, day = day_ms(year, 1, 1), _number(parts, "day_of_year")
    return None if first_ms is None or not 1 <= day <= 366 else first_ms + (day - 1) * DAY_MS  # noqa: PLR2004
