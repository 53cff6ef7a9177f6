"""When a schedule of crontab(5) asks for a run, in the time of a place. Pure: the time is an argument.

cronsim reads the five fields (Sunday is 0 and 7; day of month OR day of week where both are restricted) and tells which
days they name. The moments of a day are found here, by two rules:

1. A schedule that does not name every hour follows the clock on the wall. A time that the clock skips, in spring, comes
   right after the gap; one that it shows twice, in autumn, comes the first time only. So a daily schedule has one slot
   for each day of the calendar.
2. A schedule that names every hour follows time as it passes: what is skipped does not come, what is shown twice comes
   twice. So nothing waits longer than it says.

A *slot* is such a moment, in seconds since the epoch. It names what is to be done: a run is done for a slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_HOURS_OF_A_DAY = 24
_DAY = timedelta(days=1)
_MOST_DAYS = 366 * 50
"""The 29th of February on a certain day of the week comes after 40 years at the latest."""


@dataclass(frozen=True, slots=True)
class _Fields:
    """What a schedule names.

    Attributes:
        times: of a day on the wall: hour and minute, in order.
        is_named: whether it names a day.
    """

    times: tuple[tuple[int, int], ...]
    is_hourly: bool
    months: frozenset[int]
    is_named: Callable[[date], bool]


def last_slot(schedule: str, timezone: str, now: float) -> float | None:
    """Tell the latest slot that is not after ``now``; None where there was none in 50 years.

    Args:
        schedule: five fields, checked by the configuration.
        timezone: a name of the tz database, checked as well.
        now: seconds since the epoch.
    """
    zone = ZoneInfo(timezone)
    for moments in _days(schedule, zone, now, -_DAY):
        past = [moment for moment in moments if moment <= now]
        if past:
            return max(past)
    return None


def next_slot(schedule: str, timezone: str, now: float) -> float | None:
    """Tell the earliest slot after ``now``; None where there is none in 50 years. See `last_slot`."""
    zone = ZoneInfo(timezone)
    for moments in _days(schedule, zone, now, _DAY):
        coming = [moment for moment in moments if moment > now]
        if coming:
            return min(coming)
    return None


def due(slot: float | None, done: float | None, since: float, now: float) -> bool:
    """Whether a slot waits for its run.

    After downtime only the latest slot is caught up with: the ones before are its past, and nobody asks for them. None
    is done twice. What is said to lie in the future was written under a wrong clock and says nothing.

    Args:
        slot: the latest one, see `last_slot`.
        done: the latest moment for which it is known to be done; None for none.
        since: from when the schedule counts here: slots that are not after it are none of ours.
        now: seconds since the epoch.
    """
    if slot is None or slot <= since:
        return False
    return done is None or done > now or done < slot


def _days(schedule: str, zone: ZoneInfo, now: float, step: timedelta) -> Iterator[list[float]]:
    """Give the moments of named days, a day and its neighbour together, beginning a day on the other side of now.

    Together since days may overlap: where the clock goes back over midnight, the first minutes of a day pass before
    the last ones of the day before have passed for the second time.
    """
    fields = _read(schedule)
    day = datetime.fromtimestamp(now, zone).date() - step
    for _ in range(_MOST_DAYS):
        if day.month in fields.months and fields.is_named(day):
            yield [*_moments(schedule, zone, day), *_moments(schedule, zone, day + step)]
        elif _is_far(day, fields.months, step):
            day = _month_end(day, step)
        day += step


def _is_far(day: date, months: frozenset[int], step: timedelta) -> bool:
    return day.month not in months and (day + step).month not in months


def _month_end(day: date, step: timedelta) -> date:
    """Give the last day of a month that lies on the way."""
    if step < timedelta():
        return day.replace(day=1)
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - _DAY


@lru_cache(maxsize=8)
def _read(schedule: str) -> _Fields:
    fields = CronSim(schedule, datetime(2000, 1, 1))  # noqa: DTZ001 - only its fields are asked
    times = tuple((hour, minute) for hour in sorted(fields.hours) for minute in sorted(fields.minutes))
    is_hourly = len(fields.hours) == _HOURS_OF_A_DAY
    return _Fields(times, is_hourly, frozenset(fields.months), fields.match_day)


@lru_cache(maxsize=16)
def _moments(schedule: str, zone: ZoneInfo, day: date) -> tuple[float, ...]:
    """Give the slots of a day, none where it is not named."""
    fields = _read(schedule)
    if day.month not in fields.months or not fields.is_named(day):
        return ()
    found: set[float] = set()
    for hour, minute in fields.times:
        found.update(_resolved(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone), fields))
    return tuple(sorted(found))


def _resolved(wall: datetime, fields: _Fields) -> Iterator[float]:
    """Find when the clock on the wall shows a time, by the rules above."""
    first, second = wall.timestamp(), wall.replace(fold=1).timestamp()
    if second < first:  # fold=1 means the offset after the change: in a gap that is the earlier one (PEP 495)
        if not fields.is_hourly:
            yield _change_between(second, first, wall)
        return
    yield first
    if second > first and fields.is_hourly:
        yield second


def _change_between(low: float, high: float, wall: datetime) -> float:
    """Find the second at which the offset of a zone changes."""
    zone = wall.tzinfo
    before, after = int(low), int(high)
    offset = datetime.fromtimestamp(before, zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC).timestamp()
