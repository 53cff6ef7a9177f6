"""The error log and the slow log of MySQL (5.5 to 8) and MariaDB."""

from __future__ import annotations

import re

from vawsum_agent.logs.formats.civil import TWO_DIGITS, clock_ms, day_ms
from vawsum_agent.logs.formats.format import Format, group_of
from vawsum_agent.logs.formats.iso8601 import parse_epoch, parse_iso8601
from vawsum_agent.logs.formats.zones import Zone, dated

_ISO = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
_CLOCK = rb"[ \d]\d:\d\d:\d\d"

# InnoDB's monitor output and crash traces hold dated lines of their own, such as `2026-11-23 10:00:00 0x7f… INNODB
# MONITOR OUTPUT`. What follows the stamp tells an entry: a label in brackets, or the few writers without one.
_ERROR_START = re.compile(
    rb"(?m)^(" + _ISO + rb"(?= )"
    rb"|\d{4}-\d\d-\d\d " + _CLOCK + rb"(?= (?:[0-9a-fx]{1,20} )?(?:\[|InnoDB: |mysqld_safe ))"
    rb"|\d{6} " + _CLOCK + rb"(?= (?:\[| ?InnoDB: |mysqld_safe |- mysqld got )))"
)

# An entry begins with `# Time:`, or with `# User@Host:` where MariaDB left the time out since it had not changed.
# The restart banner is an entry without a time. Lengths are bounded, or a hostile line would cost its square.
_SLOW_START = re.compile(
    rb"(?m)^(?:# Time: "
    rb"|(?<!^# Time: \d{6} " + _CLOCK + rb"\n)"
    rb"(?<!^# Time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\n)"
    rb"(?<!^# Time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d\n)# User@Host: "
    rb"|[^#,\n]{1,255}, Version: [^\n]{1,255}?started with:$)"
)
_SLOW_TIME = re.compile(rb"# Time: (" + _ISO + rb"|\d{6} " + _CLOCK + rb")\s*\n")
_SLOW_SET = re.compile(rb"(?:#[^\n]*\n|use [^\n]*;\n){0,40}SET timestamp=(\d{9,12}(?:\.\d{1,9})?);")
_SHORT = re.compile(rb"(\d\d)(\d\d)(\d\d) ([ \d]\d):(\d\d):(\d\d)")


def mysql_error(zone: Zone) -> Format:
    """Make the format of error logs: a crash trace or a monitor's output belongs to the entry before."""
    return Format(
        name="mysql-error",
        is_multiline=True,
        start=_ERROR_START,
        times=_ERROR_START,
        is_contextual=not zone.is_fixed,
        time_text=group_of(_ERROR_START),
        time_ms=dated(_parse, zone),
    )


def mysql_slow(zone: Zone) -> Format:
    """Make the format of slow logs: a statement with all its comment lines is one entry."""
    return Format(
        name="mysql-slow",
        is_multiline=True,
        start=_SLOW_START,
        times=None,
        is_contextual=not zone.is_fixed,
        time_text=slow_time_text,
        time_ms=dated(_parse, zone),
    )


def slow_time_text(entry: bytes) -> bytes | None:
    """Find an entry's time: ``# Time:`` where it states its offset, else ``SET timestamp=``, else ``# Time:`` as it is.

    MariaDB and MySQL 5.6 write the same second twice, in local time and in ``SET timestamp``: the latter needs no
    zone. MySQL's ``# Time:`` is finer, and in MySQL 8 the later of the two (when the statement ended).
    """
    stamp = _SLOW_TIME.match(entry)
    if stamp and len(stamp[1]) > len("261123 10:00:00"):
        return stamp[1]
    epoch = _SLOW_SET.match(entry)
    if epoch:
        return epoch[1]
    return stamp[1] if stamp else None


def _parse(text: bytes) -> tuple[int, int | None] | None:
    return parse_iso8601(text) or _parse_short(text) or parse_epoch(text)


def _parse_short(text: bytes) -> tuple[int, int | None] | None:
    """Read ``261123  9:00:00``."""
    found = _SHORT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = found.groups()
    start_ms = day_ms(2000 + TWO_DIGITS[year], TWO_DIGITS[month], TWO_DIGITS[day])
    since_ms = clock_ms(hour, minute, second)
    return None if start_ms is None or since_ms is None else (start_ms + since_ms, None)
