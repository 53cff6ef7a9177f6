"""ISO 8601 date-times as MySQL, rsyslog and JSON loggers write them, and epoch numbers of any unit."""

from __future__ import annotations

import re

from vawsum_agent.logs.formats.civil import TWO_DIGITS, clock_ms, day_ms, offset_ms

MAX_TIME_BYTES = 64
"""A text longer than this is no timestamp; nobody looks at it further."""

_DATE_TIME = re.compile(
    rb"(\d\d)(\d\d)-(\d\d)-(\d\d)[Tt ]([ \d]\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?"
    rb"(?: ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?"
)
_NUMBER = re.compile(rb"(\d{9,20})(?:\.(\d*))?")

_UNITS = ((10**11, 1000, 1), (10**14, 1, 1), (10**17, 1, 1000), (10**20, 1, 1_000_000))
"""Numbers below the first are in seconds (to the year 5138), then ms, µs and ns: factor and divisor."""

_LEAST_EPOCH = 10**8
"""Numbers below it (March 1973 in seconds) count something else."""


def parse_iso8601(text: bytes) -> tuple[int, int | None] | None:
    """Read ``2026-11-23T10:00:00.123456+05:30`` and its kin.

    A space may stand for the ``T``, before an hour of one digit (MariaDB) and before the offset; seconds and offset
    may be missing. A date alone is no time.

    Returns:
        The local time in milliseconds and the offset from UTC in milliseconds, None if the text states none.
    """
    found = _DATE_TIME.fullmatch(text) if len(text) <= MAX_TIME_BYTES else None
    if not found:
        return None
    century, year, month, day, hour, minute, second, fraction, zone = found.groups()
    start_ms = day_ms(TWO_DIGITS[century] * 100 + TWO_DIGITS[year], TWO_DIGITS[month], TWO_DIGITS[day])
    since_ms = clock_ms(hour, minute, second or b"00", fraction)
    if start_ms is None or since_ms is None:
        return None
    return start_ms + since_ms, (None if zone is None else offset_ms(zone))


def parse_epoch(text: bytes) -> tuple[int, int | None] | None:
    """Read a number as an epoch time in seconds (also with a fraction), milli-, micro- or nanoseconds by its size."""
    found = _NUMBER.fullmatch(text) if len(text) <= MAX_TIME_BYTES else None
    if not found:
        return None
    number = int(found[1])
    if number < _LEAST_EPOCH:
        return None
    for limit, factor, divisor in _UNITS:
        if number < limit:
            fraction_ms = int((found[2] or b"")[:3].ljust(3, b"0")) if factor == 1000 else 0  # noqa: PLR2004
            return number * factor // divisor + fraction_ms, 0
    return None


def parse_time(text: bytes) -> tuple[int, int | None] | None:
    """Read ISO 8601 or an epoch number."""
    return parse_iso8601(text) or parse_epoch(text)
