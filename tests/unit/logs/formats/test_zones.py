"""Local times: the hours that come twice, the hours that never come, and dates without a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.logs.formats.making import a_format, ms, s
from vawsum_agent.logs.formats.zones import Zone, find_zone

ZONES = ("UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


def zone_of(name: str) -> Zone:
    """Find a zone that must exist."""
    zone = find_zone(name)
    assert zone is not None
    return zone


def local_ms(text: str) -> int:
    """Give what a clock shows, as if it were UTC."""
    return ms(text + "+00:00")


# zone, the clock's time shown twice, its first and its second moment
FOLDS = [
    ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
    ("Europe/Berlin", "2026-10-25T02:00:00", "2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"),
    ("Europe/Berlin", "2026-10-25T02:59:59.999", "2026-10-25T02:59:59.999+02:00", "2026-10-25T02:59:59.999+01:00"),
    ("America/New_York", "2026-11-01T01:15:00", "2026-11-01T01:15:00-04:00", "2026-11-01T01:15:00-05:00"),
    ("Australia/Lord_Howe", "2026-04-05T01:45:00", "2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"),
]

# zone, a clock's time that was skipped, its moment by the offset before the change
GAPS = [
    ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T02:30:00+01:00"),
    ("America/New_York", "2026-03-08T02:00:00", "2026-03-08T02:00:00-05:00"),
    ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-04T02:15:00+10:30"),
]


@pytest.mark.parametrize(("zone", "shown", "first", "second"), FOLDS)
def test_a_repeated_hour_follows_what_the_file_already_holds(zone: str, shown: str, first: str, second: str) -> None:
    """An entry of a repeated hour is the first such time that does not go back before the entry ahead of it."""
    epoch_ms, local, later = zone_of(zone).epoch_ms, local_ms(shown), s(second) + 86_400
    assert epoch_ms(local, ms(first) - 1000, later) == ms(first)
    assert epoch_ms(local, ms(first), later) == ms(first)
    assert epoch_ms(local, ms(first) + 30_000, later) == ms(first), "half a minute of disorder is no change of clocks"
    assert epoch_ms(local, ms(first) + 90_000, later) == ms(second)
    assert epoch_ms(local, ms(second) + 86_400_000, later) == ms(second)


@pytest.mark.parametrize(("zone", "shown", "first", "second"), FOLDS)
def test_a_repeated_hour_is_never_ahead_of_now(zone: str, shown: str, first: str, second: str) -> None:
    """During its first pass, an entry that is late by minutes is late: it does not move to the pass yet to come."""
    assert second
    assert zone_of(zone).epoch_ms(local_ms(shown), ms(first) + 300_000, s(first) + 300) == ms(first)


@pytest.mark.parametrize(("zone", "shown", "first", "second"), FOLDS)
def test_a_repeated_hour_without_a_past_is_the_one_nearest_to_now(
    zone: str, shown: str, first: str, second: str
) -> None:
    """The first entry of a file has nothing to go by but the time of reading."""
    epoch_ms, local = zone_of(zone).epoch_ms, local_ms(shown)
    assert epoch_ms(local, None, s(first) + 60) == ms(first)
    assert epoch_ms(local, None, s(second) + 60) == ms(second)


@pytest.mark.parametrize(("zone", "shown", "moment"), GAPS)
def test_a_skipped_hour_counts_by_the_offset_before(zone: str, shown: str, moment: str) -> None:
    """A time that no clock showed (a zone set wrongly, a clock not yet moved) still has one place."""
    assert zone_of(zone).epoch_ms(local_ms(shown), None, s(moment)) == ms(moment)
    assert zone_of(zone).epoch_ms(local_ms(shown), ms(moment) + 10**9, s(moment)) == ms(moment)


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1980, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001 - a clock's time
    st.integers(0, 1),
)
def test_every_local_time_is_one_that_the_zone_database_gives(name: str, shown: datetime, fold: int) -> None:
    """Whatever the caches do, the answer is one of the database's, and the only one where there is one."""
    shown = shown.replace(microsecond=0)
    local = round(shown.replace(tzinfo=UTC).timestamp() * 1000)
    answers = {round(shown.replace(tzinfo=ZoneInfo(name), fold=candidate).timestamp() * 1000) for candidate in (0, 1)}
    latest = None if fold else local
    assert zone_of(name).epoch_ms(local, latest, local / 1000) in answers


def test_a_log_through_the_night_of_the_change_stays_in_order() -> None:
    """A quiet log's entries, one every ten minutes through the repeated hour, keep their true times."""
    log_format = a_format("apache-error", timezone="Europe/Berlin")
    begin = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    latest_ms: int | None = None
    for step in range(20):
        moment = begin + timedelta(minutes=10 * step)
        text = moment.astimezone(ZoneInfo("Europe/Berlin")).strftime("%a %b %d %H:%M:%S.000000 %Y").encode()
        latest_ms = log_format.time_ms(text, latest_ms, moment.timestamp() + 1)
        assert latest_ms == round(moment.timestamp() * 1000)


def test_only_zones_that_change_make_a_format_contextual() -> None:
    """Times may be kept by their text exactly where the text alone decides."""
    for zone, changes in (("UTC", False), ("Asia/Kolkata", False), ("Europe/Berlin", True), ("+05:30", False)):
        assert a_format("apache-error", timezone=zone).is_contextual is changes
        assert a_format("mysql-error", timezone=zone).is_contextual is changes
        assert a_format("plain", timezone=zone, timestamp_format="%F %T").is_contextual is changes
        assert a_format("plain", timezone=zone, timestamp_format="%F %T %Z").is_contextual
        assert a_format("plain", timezone=zone, timestamp_format="%d %b %T").is_contextual
        assert not a_format("apache-access", timezone=zone).is_contextual
        assert a_format("php-error", timezone=zone).is_contextual
        assert a_format("syslog", timezone=zone).is_contextual


@pytest.mark.parametrize("name", ["Mars/Phobos", "../../etc/passwd", "/etc/localtime", "America", "", "x" * 500, "\0"])
def test_an_unknown_zone_is_told_apart(name: str) -> None:
    """A name that is no zone gives None, whatever it is a path to."""
    assert find_zone(name) is None


@pytest.mark.parametrize(
    ("now", "text", "expected"),
    [
        ("2026-11-23T12:00:00+00:00", b"Nov 23 10:00:00", "2026-11-23T10:00:00+00:00"),
        ("2026-11-23T12:00:00+00:00", b"Nov 24 10:00:00", "2026-11-24T10:00:00+00:00"),  # a clock ahead by hours
        ("2026-11-23T12:00:00+00:00", b"Nov 25 10:00:00", "2025-11-25T10:00:00+00:00"),
        ("2027-01-01T00:00:30+00:00", b"Dec 31 23:59:59", "2026-12-31T23:59:59+00:00"),
        ("2026-12-31T23:59:58+00:00", b"Jan  1 00:00:01", "2027-01-01T00:00:01+00:00"),
        ("2026-11-23T12:00:00+00:00", b"Feb 29 10:00:00", "2024-02-29T10:00:00+00:00"),
        ("2028-02-29T12:00:00+00:00", b"Feb 29 10:00:00", "2028-02-29T10:00:00+00:00"),
    ],
)
def test_a_date_without_a_year_is_the_latest_that_is_not_ahead(now: str, text: bytes, expected: str) -> None:
    """Across New Year, on leap days, and with a clock a few hours ahead."""
    assert a_format("syslog").time_ms(text, None, s(now)) == ms(expected)
