"""How well a format fits the lines of a live file."""

from __future__ import annotations

from tests.unit.logs.formats.making import a_format
from vawsum_agent.logs.formats.match import match_rate

ACCESS = b'10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'
ERROR = b"[Mon Nov 23 10:00:00.123456 2026] [core:notice] [pid 1] x\n"
TRACE = [
    b"[23-Nov-2026 10:00:00 UTC] PHP Fatal error:  Uncaught E: x\n",
    b"Stack trace:\n",
    b"#0 {main}\n",
    b"  thrown in /a.php on line 1\n",
]


def test_lines_of_the_right_format_match() -> None:
    """A file of its own format is explained whole; empty lines don't count."""
    assert match_rate(a_format("apache-access"), [ACCESS, b"\n", ACCESS]) == (2, 2, None)


def test_the_first_line_that_does_not_fit_is_shown() -> None:
    """The doctor's user sees what was not understood."""
    lines = [ACCESS, ERROR, b"other\n", ACCESS]
    assert match_rate(a_format("apache-access"), lines) == (2, 4, ERROR.rstrip())


def test_an_impossible_time_does_not_fit() -> None:
    """Looking like a timestamp is not enough."""
    bad = ACCESS.replace(b"23/Nov", b"31/Nov")
    assert match_rate(a_format("apache-access"), [bad]) == (0, 1, bad.rstrip())


def test_a_trace_counts_as_lines_of_its_entry() -> None:
    """A multi-line format explains the lines that belong to its entries."""
    assert match_rate(a_format("php-error"), TRACE) == (4, 4, None)


def test_a_sample_may_begin_inside_an_entry() -> None:
    """The end of a trace, whose beginning lies before the sample, is not held against the format."""
    assert match_rate(a_format("php-error"), TRACE[2:] + TRACE) == (4, 4, None)


def test_a_multi_line_format_that_never_starts_does_not_fit() -> None:
    """A wrong format is told by its having no start at all, with an example."""
    assert match_rate(a_format("php-error"), [ACCESS, ACCESS]) == (0, 2, ACCESS.rstrip())


def test_an_entry_with_an_unknown_zone_does_not_fit() -> None:
    """All lines of an entry whose time can't be read are unexplained."""
    lines = [TRACE[0].replace(b"UTC", b"Mars/Phobos"), *TRACE[1:]]
    assert match_rate(a_format("php-error"), lines) == (0, 4, lines[0].rstrip())


def test_the_banner_of_a_slow_log_fits() -> None:
    """A slow log that holds nothing but its server's banner is in order."""
    banner = [b"/usr/sbin/mysqld, Version: 8.0.36 (MySQL). started with:\n", b"Tcp port: 3306\n", b"Time Id\n"]
    assert match_rate(a_format("mysql-slow"), banner) == (3, 3, None)


def test_a_plain_format_without_times_fits_anything() -> None:
    """There is nothing to read, so nothing can be misread; with a timestamp format there is."""
    assert match_rate(a_format("plain"), [b"a\n", b"b\n"]) == (2, 2, None)
    assert match_rate(a_format("plain", timestamp_format="%F %T"), [b"a\n"]) == (0, 1, b"a")


def test_an_empty_file_says_nothing() -> None:
    """No lines: nothing explained, nothing unexplained."""
    for name in ("apache-access", "php-error"):
        assert match_rate(a_format(name), []) == (0, 0, None)
