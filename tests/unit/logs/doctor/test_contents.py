"""The doctor compares live files with their format, and their timestamps with the clock."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from tests.unit.logs.doctor.making import OWN, a_source, bad, only
from vawsum_agent.core.finding import Severity
from vawsum_agent.logs.doctor.contents import contents, legible
from vawsum_agent.logs.doctor.found import find
from vawsum_agent.logs.doctor.times import Entries, local_zone, times

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import LogSource
    from vawsum_agent.core.finding import Finding

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW_S = NOW.timestamp()
INDIA = timezone(timedelta(hours=5, minutes=30))


def access_line(moment: datetime) -> str:
    """A line of Apache's access log; it states its offset."""
    return f'1.2.3.4 - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "GET /?password=hunter2 HTTP/1.1" 200 5 "-" "curl"'


def error_line(moment: datetime) -> str:
    """A line of Apache's error log; it states no offset."""
    return f"[{moment:%a %b %d %H:%M:%S}.000001 {moment:%Y}] [core:error] [pid 1:tid 2] AH00126: bad"


def look(source: LogSource, path: Path, lines: list[str], written_at: float = NOW_S) -> list[Finding]:
    """Write a file and have it looked at."""
    path.write_text("".join(f"{line}\n" for line in lines))
    os.utime(path, (written_at, written_at))
    return list(contents(find(source), OWN, NOW_S))


def test_a_format_that_matches_is_well(tmp_path: Path) -> None:
    """Entries of the configured format and of now raise nothing."""
    findings = look(a_source(tmp_path / "a.log"), tmp_path / "a.log", [access_line(NOW)] * 20)
    assert bad(findings) == []
    assert 'format = "apache-access"' in findings[0].what


def test_a_wrong_format_is_told_with_rate_example_and_the_right_one(tmp_path: Path) -> None:
    """The doctor says how many lines match, shows one that does not, redacted, and names the format that does."""
    source = a_source(tmp_path / "a.log", log_format="apache-error")
    found = only(look(source, tmp_path / "a.log", [access_line(NOW)] * 20))
    assert found.severity is Severity.PROBLEM
    assert found.where == str(tmp_path / "a.log")
    assert "0 of the last 20 lines" in found.what
    assert "password=***" in found.what
    assert "hunter2" not in found.what
    assert found.remedy == 'set format = "apache-access" for source test'


def test_some_odd_lines_are_a_warning(tmp_path: Path) -> None:
    """A tenth of the lines without a time is worth a look, and stops nothing."""
    found = only(look(a_source(tmp_path / "a.log"), tmp_path / "a.log", [*[access_line(NOW)] * 18, "odd", "odd"]))
    assert found.severity is Severity.WARNING
    assert "18 of the last 20 lines" in found.what
    assert "'odd'" in found.what


def test_what_nothing_explains_is_plain(tmp_path: Path) -> None:
    """For lines of no known format the remedy is format = "plain"."""
    found = only(look(a_source(tmp_path / "a.log"), tmp_path / "a.log", ["what is this"] * 20))
    assert 'format = "plain"' in found.remedy


def test_only_whole_lines_at_the_end_are_judged(tmp_path: Path) -> None:
    """A large file is sampled: neither the line that the sample cuts nor the unfinished last one counts."""
    lines = ["old rubbish"] * 1000 + [access_line(NOW)] * 2000
    path = tmp_path / "a.log"
    path.write_text("\n".join(lines) + "\nunfinish")
    os.utime(path, (NOW_S, NOW_S))
    assert bad(contents(find(a_source(path)), OWN, NOW_S)) == []


def test_empty_files_say_nothing(tmp_path: Path) -> None:
    """Just after a rotation there is nothing to judge."""
    assert look(a_source(tmp_path / "a.log"), tmp_path / "a.log", []) == []


def test_times_hours_ahead_of_the_last_write_are_a_wrong_zone(tmp_path: Path) -> None:
    """Local times read as UTC lie in the future; the doctor asks for the zone, by how far they are off."""
    source = a_source(tmp_path / "e.log", log_format="apache-error")
    found = only(look(source, tmp_path / "e.log", [error_line(NOW.astimezone(INDIA))] * 5))
    assert found.severity is Severity.PROBLEM
    assert found.what == "timezone? Read as UTC, the newest entry is 5h 30m after the last write"
    assert "timezone of source test" in found.remedy


def test_times_hours_behind_are_a_wrong_zone_too(tmp_path: Path) -> None:
    """UTC read as a zone in the east lies in the past: nothing is refused, but everything is misdated."""
    source = a_source(tmp_path / "e.log", log_format="apache-error", timezone="Asia/Kolkata")
    found = only(look(source, tmp_path / "e.log", [error_line(NOW)] * 5))
    assert found.severity is Severity.WARNING
    assert "timezone? Read as Asia/Kolkata" in found.what


def test_entries_that_state_their_offset_have_no_wrong_zone(tmp_path: Path) -> None:
    """For them the clock of the writer is to blame."""
    source = a_source(tmp_path / "a.log")
    found = only(look(source, tmp_path / "a.log", [access_line(NOW + timedelta(hours=5, minutes=30))] * 5))
    assert "timezone" not in found.what
    assert found.severity is Severity.PROBLEM
    assert "clock" in found.remedy


@pytest.mark.parametrize(("hours", "severity"), [(1, Severity.WARNING), (30, Severity.PROBLEM)])
def test_the_future_is_a_problem_once_cloudwatch_refuses_it(tmp_path: Path, hours: float, severity: Severity) -> None:
    """Up to two hours ahead are taken, beyond that each entry becomes a dead letter."""
    source = a_source(tmp_path / "a.log")
    found = only(look(source, tmp_path / "a.log", [access_line(NOW + timedelta(hours=hours))] * 5))
    assert found.severity is severity


@pytest.mark.parametrize(("days", "severity"), [(3, Severity.WARNING), (20, Severity.PROBLEM)])
def test_old_times_in_fresh_writes_are_told(tmp_path: Path, days: int, severity: Severity) -> None:
    """A file written to just now with times of last month: CloudWatch takes none of it."""
    source = a_source(tmp_path / "a.log")
    found = only(look(source, tmp_path / "a.log", [access_line(NOW - timedelta(days=days, minutes=7))] * 5))
    assert found.severity is severity


def test_a_quiet_log_is_well(tmp_path: Path) -> None:
    """A log that nobody writes to is old in its entries and in its time of change alike."""
    then = NOW - timedelta(days=40)
    assert bad(look(a_source(tmp_path / "a.log"), tmp_path / "a.log", [access_line(then)] * 5, then.timestamp())) == []


def test_late_lines_don_t_make_the_newest_entry_old(tmp_path: Path) -> None:
    """Apache logs a request when it ends with the time it began: the newest entry need not be the last."""
    lines = [access_line(NOW), access_line(NOW - timedelta(hours=1))]
    assert bad(look(a_source(tmp_path / "a.log"), tmp_path / "a.log", lines)) == []


def test_multi_line_entries_are_dated_by_their_first_line() -> None:
    """A sample that begins inside a stack trace is read from the next entry on."""
    lines = [b"#1 {main}", b"[23-Nov-2026 11:59:59 UTC] PHP Fatal error: x", b"Stack trace:", b"#0 {main}"]
    source = a_source("/x", log_format="php-error")
    assert list(times(Entries(source, lines, NOW_S, "/x"), NOW_S)) == []
    assert only(times(Entries(source, lines, NOW_S + 9000, "/x"), NOW_S + 9000)).severity is Severity.WARNING


def test_the_zone_of_the_host_is_suggested_by_name(tmp_path: Path) -> None:
    """/etc/localtime names the zone that most writers stamp with."""
    zone = tmp_path / "usr/share/zoneinfo/Asia/Kolkata"
    zone.parent.mkdir(parents=True)
    zone.touch()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/localtime").symlink_to(zone)
    assert local_zone(tmp_path) == "Asia/Kolkata"
    assert local_zone(tmp_path / "etc") == ""


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"\0" * 40000, r"'\x00 (40000 times)'"),
        (b"\0\0a\x1b]0;mine\x07", r"'\x00\x00a\x1b]0;mine\x07'"),
        (b"caf\xc3\xa9 \xff", "'café \ufffd'"),
        (b"x" * 500, f"'{'x' * 160}…'"),
    ],
)
def test_lines_are_legible(line: bytes, shown: str) -> None:
    """A line that is quoted fills no screen with NULs and commands no terminal."""
    assert legible(line) == shown
