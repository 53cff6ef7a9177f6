"""From local time to epoch time, through the two hours a year that come twice or never."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from vawsum_agent.logs.formats.civil import day_ms, offset_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.logs.formats.format import LocalParse, TimeMs

_QUARTER_MS = 900_000
_KEPT_QUARTERS = 4096
_MINUTE_MS = 60_000
_DAY_S = 86_400.0
_UTC_NAMES = frozenset({"UTC", "GMT", "Z", "Etc/UTC", "Etc/GMT", "Zulu", "UCT"})
"""Known without a time zone database, so that the default works on a system that has none."""

_SAMPLED_DAYS = range(10_957, 29_220, 14)
"""2000 to 2049 in steps that no summer time is shorter than (Morocco's pause for Ramadan lasts 30 days)."""

_LEAP_DAY_REACH_YEARS = 9
"""A 29 February can be this many years back: there was none in 1900 and will be none in 2100."""


class Zone:
    """A time zone, asked for what its wall clocks meant.

    Attributes:
        is_fixed: its clocks don't change: every local time means one moment.
        abbreviations: what its clocks call it, such as CET and CEST.
    """

    __slots__ = ("_epoch", "_quarters", "abbreviations", "is_fixed")

    def __init__(self, info: tzinfo) -> None:
        # Adding to a time with a zone moves the clock on the wall, not the moment.
        self._epoch = datetime(1970, 1, 1, tzinfo=info)
        self._quarters: dict[int, tuple[int, int]] = {}
        sampled = [self._epoch + timedelta(days=day) for day in _SAMPLED_DAYS]
        self.is_fixed = len(set(map(_ahead_ms, sampled))) == 1
        self.abbreviations = frozenset(local.tzname() for local in sampled)

    def epoch_ms(self, local_ms: int, latest_ms: int | None, now: float) -> int:
        """Return the moment at which clocks showed a local time.

        A time that the clocks skipped is read by the offset before the change. One that they showed twice is the
        first that does not lie before what the file already holds, by more than a minute of disorder, nor in the
        future; without a latest time the one nearest to ``now``.

        Args:
            local_ms: what the clock showed, as if it were UTC, in epoch milliseconds.
            latest_ms: the file's latest known time, if any.
            now: the wall time in epoch seconds.
        """
        quarter = local_ms // _QUARTER_MS
        first_ms, second_ms = self._quarters.get(quarter) or self._offsets(quarter)
        if first_ms == second_ms:
            return local_ms - first_ms
        return _settle(local_ms - first_ms, local_ms - second_ms, latest_ms, now * 1000)

    def _offsets(self, quarter: int) -> tuple[int, int]:
        """Return the offsets of the first and the second time that clocks showed a quarter of an hour.

        Clocks change on a quarter of an hour everywhere (since 1975), so what holds for its start holds for all of it.
        """
        try:
            local = self._epoch + timedelta(milliseconds=quarter * _QUARTER_MS)
            first, second = (_ahead_ms(local.replace(fold=fold)) for fold in (0, 1))
        except OverflowError:  # the leap second at the end of the year 9999
            first = second = 0
        # In a gap fold 0 is read by the offset before the change, and that is the smaller one.
        offsets = (first, min(first, second))
        if len(self._quarters) >= _KEPT_QUARTERS:  # hostile timestamps must not fill the memory
            self._quarters.clear()
        self._quarters[quarter] = offsets
        return offsets


def _ahead_ms(local: datetime) -> int:
    return (local.utcoffset() or timedelta()) // timedelta(milliseconds=1)


def _settle(first_ms: int, second_ms: int, latest_ms: int | None, now_ms: float) -> int:
    """Choose between the two moments at which clocks showed the same time."""
    if latest_ms is None:
        return first_ms if abs(now_ms - first_ms) <= abs(now_ms - second_ms) else second_ms
    is_first_possible = first_ms >= latest_ms - _MINUTE_MS
    is_second_future = second_ms > now_ms + _MINUTE_MS
    return first_ms if is_first_possible or is_second_future else second_ms


@lru_cache(maxsize=1024)  # more than there are names in the database
def find_zone(name: str) -> Zone | None:
    """Find a zone by its name in the IANA database or its offset (``+05:30``); None if there is no such zone.

    The database is the system's, else the ``tzdata`` package; where neither exists only UTC and offsets are known.
    """
    if name in _UTC_NAMES:
        return Zone(UTC)
    ahead_ms = offset_ms(name.encode("ascii", "replace"))
    try:
        if ahead_ms is not None:
            return Zone(timezone(timedelta(milliseconds=ahead_ms)))
        return Zone(ZoneInfo(name))
    except (ValueError, LookupError, OSError):
        # An offset of a day or more; no such key; a key that is a folder of the database, or a path out of it.
        return None


def dated(parse: LocalParse, zone: Zone) -> TimeMs:
    """Make a `Format.time_ms`: parse the text, and read it by ``zone`` when it states no offset."""
    epoch_ms = zone.epoch_ms

    def time_ms(text: bytes, latest_ms: int | None, now: float) -> int | None:
        parsed = parse(text)
        if parsed is None:
            return None
        local_ms, ahead_ms = parsed
        return epoch_ms(local_ms, latest_ms, now) if ahead_ms is None else local_ms - ahead_ms

    return time_ms


def yearless_ms(month: int, day: int, to_epoch_ms: Callable[[int], int], now: float) -> int | None:
    """Return the latest time of a date without a year that is at most a day ahead of ``now``.

    Args:
        month: 1 to 12.
        day: of the month.
        to_epoch_ms: from the local day's start in epoch milliseconds to the moment meant.
        now: the wall time in epoch seconds.
    """
    this_year = time.gmtime(now).tm_year
    for year in range(this_year + 1, this_year - _LEAP_DAY_REACH_YEARS, -1):
        start_ms = day_ms(year, month, day)
        if start_ms is None:
            continue
        moment_ms = to_epoch_ms(start_ms)
        if moment_ms <= (now + _DAY_S) * 1000:
            return moment_ms
    return None
