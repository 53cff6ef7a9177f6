"""Syslog files: RFC 3164 (without a year), RFC 5424, rsyslog's ISO format; a priority may stand in front."""

from __future__ import annotations

import re

from vawsum_agent.logs.formats.civil import MONTHS, TWO_DIGITS, clock_ms
from vawsum_agent.logs.formats.format import Format, group_of
from vawsum_agent.logs.formats.iso8601 import parse_iso8601
from vawsum_agent.logs.formats.zones import Zone, dated, yearless_ms

# The rest of the line is taken along: the search then goes from line to line instead of from byte to byte.
_TIMES = re.compile(
    rb"(?m)^(?:<\d{1,3}>)?(?:\d{1,2} )?("
    rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
    rb"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?"
    rb")[ :].*+"
)
_YEARLESS = re.compile(rb"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?")


def syslog(zone: Zone) -> Format:
    """Make the format of syslog files. A stamp without a year means the latest such time that is not ahead of now."""
    with_year = dated(parse_iso8601, zone)

    def time_ms(text: bytes, latest_ms: int | None, now: float) -> int | None:
        found = _YEARLESS.fullmatch(text)
        if not found:
            return with_year(text, latest_ms, now)
        month, day, hour, minute, second, fraction = found.groups()
        since_ms = clock_ms(hour, minute, second, fraction)
        if since_ms is None:
            return None
        return yearless_ms(
            MONTHS.get(month, 0),
            TWO_DIGITS[day],
            lambda start_ms: zone.epoch_ms(start_ms + since_ms, latest_ms, now),
            now,
        )

    return Format(
        name="syslog",
        is_multiline=False,
        start=None,
        times=_TIMES,
        is_contextual=True,
        time_text=group_of(_TIMES),
        time_ms=time_ms,
    )
