"""The plain format: the configuration's own start pattern and timestamp format."""

from __future__ import annotations

import locale
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.logs.formats.making import a_format, entries, ms, s
from vawsum_agent.core.errors import ConfigError
from vawsum_agent.logs.formats.strptime import TimestampFormat

NOW = s("2026-11-23T12:00:00+00:00")

TIMES = [
    ("%Y-%m-%d %H:%M:%S", "UTC", b"2026-11-23 10:00:00 x", b"2026-11-23 10:00:00", "2026-11-23T10:00:00+00:00"),
    (
        "%F %T.%f",
        "UTC",
        b"[2026-11-23 10:00:00.123456]",
        b"2026-11-23 10:00:00.123456",
        "2026-11-23T10:00:00.123+00:00",
    ),
    (
        "[%d/%b/%Y %H:%M:%S]",
        "Asia/Kolkata",
        b"x [23/Nov/2026 10:00:00] y",
        b"[23/Nov/2026 10:00:00]",
        "2026-11-23T10:00:00+05:30",
    ),
    ("%d %B %Y %I:%M %p", "UTC", b"3 November 2026 9:05 PM", b"3 November 2026 9:05 PM", "2026-11-03T21:05:00+00:00"),
    ("%I:%M %p %D", "UTC", b"12:05 am 11/23/26", b"12:05 am 11/23/26", "2026-11-23T00:05:00+00:00"),
    (
        "%a, %d %b %Y %H:%M:%S %z",
        "UTC",
        b"Mon, 23 Nov 2026 10:00:00 +0530",
        b"Mon, 23 Nov 2026 10:00:00 +0530",
        "2026-11-23T10:00:00+05:30",
    ),
    (
        "%Y-%m-%dT%H:%M:%S%z",
        "Asia/Kolkata",
        b"2026-11-23T10:00:00Z x",
        b"2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00+00:00",
    ),
    (
        "%F %T %Z",
        "UTC",
        b"2026-11-23 10:00:00 Asia/Kolkata x",
        b"2026-11-23 10:00:00 Asia/Kolkata",
        "2026-11-23T10:00:00+05:30",
    ),
    ("%F %T %Z", "Asia/Kolkata", b"2026-11-23 10:00:00 IST", b"2026-11-23 10:00:00 IST", "2026-11-23T10:00:00+05:30"),
    (
        "%F %T %Z",
        "America/New_York",
        b"2026-07-01 10:00:00 EDT",
        b"2026-07-01 10:00:00 EDT",
        "2026-07-01T10:00:00-04:00",
    ),
    ("%b %e %H:%M:%S", "UTC", b"Nov  3 10:00:00 x", b"Nov  3 10:00:00", "2026-11-03T10:00:00+00:00"),
    ("%Y %j %H:%M", "UTC", b"2026 327 10:00", b"2026 327 10:00", "2026-11-23T10:00:00+00:00"),
    ("%s.%f", "UTC", b"at 1795428000.25 x", b"1795428000.25", "2026-11-23T10:00:00.250+00:00"),
    ("%s", "UTC", b"1795428000 x", b"1795428000", "2026-11-23T10:00:00+00:00"),
    ("100%% %F %R", "UTC", b"100% 2026-11-23 10:00", b"100% 2026-11-23 10:00", "2026-11-23T10:00:00+00:00"),
    (
        "%H:%M:%S %d.%m.%Y",
        "UTC",
        b"id13:00:00 03:00:00 23.11.2026",
        b"03:00:00 23.11.2026",
        "2026-11-23T03:00:00+00:00",
    ),
]


@pytest.mark.parametrize(("timestamp_format", "zone", "entry", "text", "time"), TIMES)
def test_a_strptime_format_finds_and_reads_its_time(
    timestamp_format: str, zone: str, entry: bytes, text: bytes, time: str
) -> None:
    """The time is found anywhere in an entry's first line, and read as strptime(3) would in the C locale."""
    log_format = a_format("plain", timezone=zone, timestamp_format=timestamp_format)
    assert log_format.time_text(entry) == text
    assert log_format.time_ms(text, None, NOW) == ms(time)


def test_the_time_stands_in_the_first_line() -> None:
    """What a stack trace below says about times is not the entry's time."""
    log_format = a_format("plain", multiline_start=r"\S", timestamp_format="%F %T")
    assert log_format.time_text(b"no time here\n  2026-11-23 10:00:00\n") is None
    assert log_format.time_text(b"x" * 5000 + b"2026-11-23 10:00:00\n") is None


@pytest.mark.parametrize("text", [b"2026-02-30 10:00:00", b"0000-01-01 10:00:00", b"2026-11-23 10:00:00x", b""])
def test_an_impossible_time_is_none(text: bytes) -> None:
    """A day that does not exist is no time."""
    assert a_format("plain", timestamp_format="%F %T").time_ms(text, None, NOW) is None


@given(st.datetimes(datetime(1900, 1, 1), datetime(2999, 12, 31)))  # noqa: DTZ001 - a clock's time
def test_what_strftime_writes_is_read_back(shown: datetime) -> None:
    """Every directive reads what strftime(3) writes for it."""
    expected = shown.replace(tzinfo=UTC, microsecond=0).timestamp() * 1000
    for timestamp_format in ("%Y-%m-%d %H:%M:%S", "%d %B %Y %I:%M:%S %p", "%A %b %d %Y %H:%M:%S", "%Y/%j %H:%M:%S"):
        text = shown.strftime(timestamp_format).encode()
        log_format = a_format("plain", timestamp_format=timestamp_format)
        assert log_format.time_text(text) == text
        assert log_format.time_ms(text, None, NOW) == expected


def test_an_abbreviation_that_is_no_zone_of_the_source_tells_no_time() -> None:
    """IST is three zones' name; where the configuration names none of them, nobody knows which."""
    log_format = a_format("plain", timezone="Europe/Berlin", timestamp_format="%F %T %Z")
    assert log_format.time_ms(b"2026-11-23 10:00:00 IST", None, NOW) is None


def test_month_names_are_english_in_any_locale() -> None:
    """The locale of the process plays no part in reading logs."""
    before = locale.setlocale(locale.LC_TIME)
    try:
        for name in ("de_DE.UTF-8", "hi_IN.UTF-8", "C.UTF-8"):
            try:
                locale.setlocale(locale.LC_TIME, name)
            except locale.Error:
                continue
            log_format = a_format("plain", timestamp_format="%d %b %Y %H:%M")
            assert log_format.time_ms(b"23 Oct 2026 10:00", None, NOW) == ms("2026-10-23T10:00:00+00:00")
    finally:
        locale.setlocale(locale.LC_TIME, before)


@pytest.mark.parametrize(
    ("timestamp_format", "complaint"),
    [
        ("%Y-%m-%d", "day and hour"),
        ("%H:%M:%S", "day and hour"),
        ("%F %I:%M", "day and hour"),
        ("%j %T", "day and hour"),
        ("%F %T %Q", "%Q"),
        ("%F %T %", "directive %"),
        ("%F %T %Y", "twice"),
        ("nothing", "day and hour"),
    ],
)
def test_a_format_that_tells_no_time_is_refused(timestamp_format: str, complaint: str) -> None:
    """A mistake in the configuration is found when it is read, not when the log is."""
    with pytest.raises(ValueError, match=complaint):
        TimestampFormat(timestamp_format)
    with pytest.raises(ConfigError, match="timestamp_format"):
        a_format("plain", timestamp_format=timestamp_format)


@pytest.mark.parametrize("expression", ["(", "[", "*", "(?P<a>x)(?P<a>y)", "x{99999999999999}"])
def test_a_start_that_is_no_expression_is_refused(expression: str) -> None:
    """As above, for the start pattern."""
    with pytest.raises(ConfigError, match="regular expression"):
        a_format("plain", multiline_start=expression)


def test_an_unknown_zone_is_refused() -> None:
    """As above, for the zone; the message names the source and the key."""
    with pytest.raises(ConfigError, match="'test' timezone"):
        a_format("syslog", timezone="Mars/Phobos")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (r"\d{4}-", [b"2026-1\n at x\n\n", b"2026-2\n", b"2026-3"]),
        (r"^\d{4}-", [b"2026-1\n at x\n\n", b"2026-2\n", b"2026-3"]),
        (r"(?i)[a-z]+ERROR|2026", [b"2026-1\n at x\n\n", b"2026-2\n", b"2026-3"]),
        (r"2026(?s:.*)", [b"2026-1\n at x\n\n", b"2026-2\n", b"2026-3"]),
        (r".*", [b"2026-1\n", b" at x\n", b"\n", b"2026-2\n", b"2026-3"]),
        (r"\S", [b"2026-1\n at x\n\n", b"2026-2\n", b"2026-3"]),
    ],
)
def test_a_start_pattern_matches_at_each_line_it_fits(expression: str, expected: list[bytes]) -> None:
    """A start is looked for at line starts, and takes nothing along however much the expression would match."""
    assert entries(a_format("plain", multiline_start=expression), b"".join(expected)) == expected


def test_without_patterns_every_line_is_an_entry_without_time() -> None:
    """The simplest configuration: lines, dated by when they were read."""
    log_format = a_format("plain")
    assert not log_format.is_multiline
    assert log_format.time_text(b"2026-11-23 10:00:00 x") is None
    assert log_format.time_ms(b"2026-11-23 10:00:00", None, NOW) is None
