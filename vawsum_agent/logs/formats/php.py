"""PHP's error log, and PHP-FPM's own log and slow log."""

from __future__ import annotations

import re
from functools import lru_cache

from vawsum_agent.logs.formats.civil import MONTHS, TWO_DIGITS, clock_ms, day_ms
from vawsum_agent.logs.formats.format import Format, group_of
from vawsum_agent.logs.formats.zones import Zone, find_zone

_STAMP = rb"\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d"
# Xdebug logs a trace line by line, each with a time of its own: `[…] PHP Stack trace:`, `[…] PHP   1. {main}() …`.
_TRACE_LINE = rb"PHP (?:Stack trace:| {0,3}\d{1,9}\. )"

# A literal first character lets the search jump with memchr; looking back from it replaces the slow `^`.
_ERROR_START = re.compile(
    rb"(?m)\[(?<=^\[)(" + _STAMP + rb"(?: (?:[A-Za-z][\w+\-/]{0,39}|[+-]\d\d:\d\d))?)\](?! " + _TRACE_LINE + rb")"
)
# What workers print comes line by line as well, each quoted behind `said into stderr:`.
_FPM_START = re.compile(
    rb"(?m)\[(?<=^\[)(" + _STAMP + rb"(?:\.\d{1,9})?)\] "
    rb"(?!WARNING: \[pool [^\]\n]{1,64}\] child \d{1,10} said into std(?:err|out): "
    rb'"(?:Stack trace:|#\d{1,9} |  thrown in |' + _TRACE_LINE + rb"))"
)
_FPM_SLOW_START = re.compile(rb"(?m)\[(?<=^\[)(" + _STAMP + rb"(?:\.\d{1,9})?)\]  \[pool ")
_PARTS = re.compile(rb"(\d\d)-([A-Z][a-z]{2})-(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?: (\S{1,40}))?")


def php_error(zone: Zone) -> Format:
    """Make the format of PHP's error log: an uncaught exception and its stack trace are one entry.

    PHP names its zone in each stamp, which may be one with summer time whatever the source's zone is.
    """
    return _format("php-error", _ERROR_START, zone, is_contextual=True)


def php_fpm(zone: Zone) -> Format:
    """Make the format of PHP-FPM's own log."""
    return _format("php-fpm", _FPM_START, zone, is_contextual=not zone.is_fixed)


def php_fpm_slow(zone: Zone) -> Format:
    """Make the format of PHP-FPM's slow log: the request, its script and its stack are one entry."""
    return _format("php-fpm-slow", _FPM_SLOW_START, zone, is_contextual=not zone.is_fixed)


def _format(name: str, start: re.Pattern[bytes], zone: Zone, *, is_contextual: bool) -> Format:
    def time_ms(text: bytes, latest_ms: int | None, now: float) -> int | None:
        parsed = _parse(text)
        if parsed is None:
            return None
        local_ms, own_zone = parsed
        return (own_zone or zone).epoch_ms(local_ms, latest_ms, now)

    return Format(
        name=name,
        is_multiline=True,
        start=start,
        times=start,
        is_contextual=is_contextual,
        time_text=group_of(start),
        time_ms=time_ms,
    )


def _parse(text: bytes) -> tuple[int, Zone | None] | None:
    return _parse_short(text) if len(text) <= 80 else None  # noqa: PLR2004


@lru_cache(maxsize=2048)
def _parse_short(text: bytes) -> tuple[int, Zone | None] | None:
    """Read ``23-Nov-2026 10:00:00 Europe/Berlin``: the local time in milliseconds and the zone it names."""
    found = _PARTS.fullmatch(text)
    if not found:
        return None
    day, month, century, year, hour, minute, second, fraction, zone_name = found.groups()
    start_ms = day_ms(TWO_DIGITS[century] * 100 + TWO_DIGITS[year], MONTHS.get(month, 0), TWO_DIGITS[day])
    since_ms = clock_ms(hour, minute, second, fraction)
    if start_ms is None or since_ms is None:
        return None
    if zone_name is None:
        return start_ms + since_ms, None
    # A zone nobody knows leaves the moment open by up to a day: that is no readable time.
    zone = find_zone(zone_name.decode("ascii", "replace"))
    return (start_ms + since_ms, zone) if zone else None
