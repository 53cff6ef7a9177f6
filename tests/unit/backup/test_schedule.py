"""Schedules in the time of a place: one slot for each day of the calendar, whatever the clock on the wall does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vawsum_agent.backup.schedule import due, last_slot, next_slot

FIRST, LAST = date(2015, 1, 1), date(2030, 12, 31)
ODD = ("Asia/Beirut", "America/Sao_Paulo", "Africa/Cairo", "Europe/Berlin", "Australia/Lord_Howe", "America/Nuuk")
"""Clocks that skip midnight, that skip half an hour, that skip the last hour of a day."""

MIDNIGHT = "0 0 * * *"
NIGHT = "30 2 * * *"
HOUR_S = 3600.0
DAY_S = 86_400.0


def at(text: str, timezone: str = "UTC") -> float:
    """A time on the wall of a place, in seconds since the epoch; of one shown twice the first."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).timestamp()


def shown(moment: float | None, timezone: str) -> str:
    """What the clock on the wall shows."""
    assert moment is not None
    return datetime.fromtimestamp(moment, ZoneInfo(timezone)).isoformat()


def slots(schedule: str, timezone: str, begin: float, end: float) -> list[float]:
    """Every slot after ``begin`` and not after ``end``."""
    found = []
    moment = next_slot(schedule, timezone, begin)
    while moment is not None and moment <= end:
        found.append(moment)
        moment = next_slot(schedule, timezone, moment)
    return found


@cache
def changes(timezone: str) -> tuple[date, ...]:
    """The days, by UTC, on which a zone changes its offset in those years."""
    zone = ZoneInfo(timezone)

    def offset(number: int) -> timedelta | None:
        day = FIRST + timedelta(days=number)
        return datetime(day.year, day.month, day.day, tzinfo=UTC).astimezone(zone).utcoffset()

    found = []
    for week in range(0, (LAST - FIRST).days, 7):
        if offset(week) != offset(week + 7):
            number = next(number for number in range(week, week + 7) if offset(number) != offset(number + 1))
            found.append(FIRST + timedelta(days=number))
    return tuple(found)


ZONES = sorted(zone for zone in available_timezones() if changes(zone))


@pytest.mark.parametrize("schedule", [MIDNIGHT, NIGHT])
@pytest.mark.parametrize("timezone", ODD)
def test_a_slot_a_day_for_years(timezone: str, schedule: str) -> None:
    """From 2015 to 2030 a daily schedule has exactly one slot for each day of the calendar, and the slot lies on it."""
    begin, end = at("2015-01-01T00:00", timezone) - 1, at("2031-01-01T00:00", timezone) - 1
    days = [
        datetime.fromtimestamp(moment, ZoneInfo(timezone)).date() for moment in slots(schedule, timezone, begin, end)
    ]
    assert days == [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]


@given(st.sampled_from(ZONES), st.integers(0, 23), st.integers(0, 59), st.data())
@settings(max_examples=100, deadline=None)
def test_a_slot_a_day_around_every_change(timezone: str, hour: int, minute: int, data: st.DataObject) -> None:
    """In every zone, around every change of its clock, a daily schedule has one slot a day: at its time, or where the
    clock skips that, at the first moment after the gap.
    """  # noqa: D205 - one sentence
    day = data.draw(st.sampled_from(changes(timezone)))
    zone = ZoneInfo(timezone)
    wanted = [
        datetime(each.year, each.month, each.day, hour, minute, tzinfo=zone)
        for each in (day + timedelta(days=number) for number in range(-2, 4))
    ]
    found = slots(f"{minute} {hour} * * *", timezone, wanted[0].timestamp() - 1, wanted[-1].timestamp())
    assert len(found) == len(wanted)
    for moment, time in zip(found, wanted, strict=True):
        local = datetime.fromtimestamp(moment, zone)
        if local.replace(tzinfo=None) == time.replace(tzinfo=None):
            assert local.fold == 0
        else:
            just_before = datetime.fromtimestamp(moment - 1, zone)
            assert just_before.replace(tzinfo=None) < time.replace(tzinfo=None) < local.replace(tzinfo=None)
            assert just_before.utcoffset() != local.utcoffset()


FIELDS = st.tuples(
    st.sampled_from(["0", "30", "*", "*/20", "5,50"]),
    st.sampled_from(["0", "2", "*", "*/6", "1-3", "23"]),
    st.sampled_from(["*", "1", "29", "*/10"]),
    st.sampled_from(["*", "3", "2,10"]),
    st.sampled_from(["*", "0", "7", "mon-fri"]),
).map(" ".join)


@given(FIELDS, st.sampled_from(ODD), st.floats(at("2015-01-01"), at("2031-01-01")))
@settings(max_examples=100, deadline=None)
def test_last_and_next_agree(schedule: str, timezone: str, now: float) -> None:
    """Between the last slot and the next one there is none, whatever the schedule and the moment."""
    last, following = last_slot(schedule, timezone, now), next_slot(schedule, timezone, now)
    assert last is not None
    assert following is not None
    assert last <= now < following
    assert next_slot(schedule, timezone, last) == following
    assert last_slot(schedule, timezone, following) == following
    assert last_slot(schedule, timezone, following - 1e-3) == last


@pytest.mark.parametrize(
    ("timezone", "schedule", "before", "expected"),
    [
        ("Asia/Beirut", MIDNIGHT, "2021-03-27T12:00", "2021-03-28T01:00:00+03:00"),
        ("America/Sao_Paulo", MIDNIGHT, "2017-10-14T12:00", "2017-10-15T01:00:00-02:00"),
        ("Europe/Berlin", NIGHT, "2025-03-29T12:00", "2025-03-30T03:00:00+02:00"),
        ("Europe/Berlin", NIGHT, "2025-10-25T12:00", "2025-10-26T02:30:00+02:00"),
        ("Australia/Lord_Howe", "15 2 * * *", "2025-10-04T12:00", "2025-10-05T02:30:00+11:00"),
        ("America/Nuuk", "30 23 * * *", "2024-03-30T12:00", "2024-03-31T00:00:00-01:00"),
    ],
)
def test_skipped_and_repeated_times(timezone: str, schedule: str, before: str, expected: str) -> None:
    """What the clock skips comes right after the gap, what it shows twice comes the first time."""
    assert shown(next_slot(schedule, timezone, at(before, timezone)), timezone) == expected


def test_midnight_that_comes_twice_runs_once() -> None:
    """Where the clock goes back over midnight there is one slot, and the second midnight is none."""
    begin = at("2018-02-17T12:00", "America/Sao_Paulo")  # at midnight the clock goes back to 23:00 of the day before
    found = slots(MIDNIGHT, "America/Sao_Paulo", begin, begin + 2 * DAY_S)
    assert [shown(moment, "America/Sao_Paulo")[:16] for moment in found] == ["2018-02-18T00:00", "2018-02-19T00:00"]
    late = slots("30 23 * * *", "America/Sao_Paulo", begin, begin + 2 * DAY_S)
    assert [shown(moment, "America/Sao_Paulo") for moment in late] == [
        "2018-02-17T23:30:00-02:00",
        "2018-02-18T23:30:00-03:00",
    ]


@pytest.mark.parametrize("timezone", ODD)
def test_hourly_follows_time_as_it_passes(timezone: str) -> None:
    """A schedule of every hour or minute leaves no more than that between two slots, also where the clock jumps."""
    for day in changes(timezone)[:2]:
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() - DAY_S
        hours = slots("0 * * * *", timezone, begin, begin + 3 * DAY_S)
        assert max(after - before for before, after in pairwise(hours)) <= 1.5 * HOUR_S
        minutes = slots("* * * * *", timezone, begin + DAY_S, begin + 2 * DAY_S)
        assert len(minutes) == 24 * 60


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("0 4 * * 0", "2026-11-29T04:00:00+00:00"),
        ("0 4 * * 7", "2026-11-29T04:00:00+00:00"),
        ("0 4 * * sun", "2026-11-29T04:00:00+00:00"),
        ("0 4 * * 1", "2026-11-30T04:00:00+00:00"),
        ("0 4 13 * fri", "2026-11-27T04:00:00+00:00"),  # the 13th OR a Friday
        ("0 4 29 2 *", "2028-02-29T04:00:00+00:00"),
        ("0 4 29 2 */6", "2032-02-29T04:00:00+00:00"),  # a star joins both by AND: a Sunday or Saturday
    ],
)
def test_days_as_crontab_means_them(schedule: str, expected: str) -> None:
    """Sunday is 0 and 7; day of month OR day of week where both are restricted; a leap day is waited for."""
    assert shown(next_slot(schedule, "UTC", at("2026-11-24T12:00")), "UTC") == expected


SLOT = at("2026-11-29T00:00")
LONG_AGO = SLOT - 30 * DAY_S


def test_a_slot_is_due_once() -> None:
    """It waits from its moment on until it is done, and never again after that."""
    assert due(SLOT, SLOT - DAY_S, LONG_AGO, SLOT)
    assert due(SLOT, None, LONG_AGO, SLOT + HOUR_S)
    assert not due(SLOT, SLOT, LONG_AGO, SLOT + HOUR_S)
    assert not due(SLOT, SLOT + 60, LONG_AGO, SLOT + HOUR_S), "what was done later, by hand say, counts for it"
    assert not due(None, None, LONG_AGO, SLOT)


def test_after_downtime_only_the_latest_slot_is_caught_up() -> None:
    """A host that was off for three nights has one run to do, and then waits for the next night."""
    back = SLOT + 9 * HOUR_S
    latest = last_slot(MIDNIGHT, "UTC", back)
    assert latest == SLOT
    assert due(latest, SLOT - 3 * DAY_S, LONG_AGO, back)
    assert not due(last_slot(MIDNIGHT, "UTC", back + HOUR_S), latest, LONG_AGO, back + HOUR_S)


def test_a_new_schedule_waits_for_its_first_slot() -> None:
    """A slot from before the schedule was there is none of its own."""
    begun = SLOT + HOUR_S
    assert not due(SLOT, None, begun, begun + 60)
    assert due(SLOT + DAY_S, None, begun, SLOT + DAY_S)


def test_what_lies_in_the_future_says_nothing() -> None:
    """A run that was noted under a clock that went wrong by years does not end backups for years."""
    assert due(SLOT, SLOT + 3000 * DAY_S, LONG_AGO, SLOT)
