"""Dates and clock times as numbers. English month names whatever the locale; the impossible is None, no error."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

DAY_MS = 86_400_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

TWO_DIGITS: dict[bytes, int] = {b"%02d" % n: n for n in range(100)} | {b" %d" % n: n for n in range(10)}
"""``09`` and `` 9`` are both 9. A look-up costs a fourth of ``int()`` and refuses signs, underscores and the like."""

MONTHS: dict[bytes, int] = {
    name: number + 1
    for number, name in enumerate(
        (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
    )
}


@lru_cache(maxsize=512)
def day_ms(year: int, month: int, day: int) -> int | None:
    """Return the epoch milliseconds at which a day begins in UTC; None if there is no such day."""
    try:
        return (date(year, month, day).toordinal() - _EPOCH_ORDINAL) * DAY_MS
    except (ValueError, OverflowError):
        return None


def clock_ms(hour: bytes, minute: bytes, second: bytes = b"00", fraction: bytes | None = None) -> int | None:
    """Return the milliseconds since midnight, None if the clock can't show that.

    The leap second ``:60`` is the first second of the next minute, as POSIX counts. Digits of ``fraction`` beyond
    the milliseconds are cut off.
    """
    hours, minutes, seconds = TWO_DIGITS.get(hour, 24), TWO_DIGITS.get(minute, 60), TWO_DIGITS.get(second, 61)
    if hours > 23 or minutes > 59 or seconds > 60:  # noqa: PLR2004
        return None
    whole_ms = (hours * 3600 + minutes * 60 + seconds) * 1000
    if not fraction:
        return whole_ms
    digits = fraction[:3].ljust(3, b"0")
    return whole_ms + int(digits) if digits.isdigit() else None


def offset_ms(text: bytes) -> int | None:
    """Return the milliseconds that ``Z``, ``UTC``, ``+05``, ``+0530`` or ``+05:30`` is ahead of UTC, else None."""
    if text in (b"Z", b"z", b"UTC", b"GMT"):
        return 0
    digits = text[1:].replace(b":", b"")
    hours, minutes = TWO_DIGITS.get(digits[:2]), TWO_DIGITS.get(digits[2:] or b"00")
    if text[:1] not in (b"+", b"-") or hours is None or minutes is None or hours > 23 or minutes > 59:  # noqa: PLR2004
        return None
    ahead_ms = (hours * 60 + minutes) * 60_000
    return -ahead_ms if text[:1] == b"-" else ahead_ms
