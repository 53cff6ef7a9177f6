"""Whether the timestamps of a file can be right. Pure but for the name of the host's own zone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_duration
from vawsum_agent.logs.batch.limits import TOO_NEW_S, TOO_OLD_S
from vawsum_agent.logs.formats.registry import make_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import LogSource

_LOOKED_AT = 200
_TOLERATED_S = 15 * 60
_QUARTER_S = 15 * 60
_SLACK_S = 180
"""A newest entry this far from the quarter of an hour is no wrong zone: zones differ by quarters."""

_WIDEST_ZONE_S = 26 * 3600
_RECENT_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Entries:
    """The last lines of a file of ``source``, last written to at ``modified_at``."""

    source: LogSource
    lines: list[bytes]
    modified_at: float
    where: str


def times(entries: Entries, now: float) -> Iterator[Finding]:
    """Compare the newest entry with the time of the last write."""
    stamps = epoch_s(entries.source, entries.lines, now)
    if not stamps:
        return
    ahead_s = max(stamps) - entries.modified_at
    zone = _offset(ahead_s)
    if zone is not None and _is_without_offset(entries, now):
        yield _wrong_zone(entries, ahead_s, now)
    elif max(stamps) > now + _TOLERATED_S:
        yield _from_the_future(entries, max(stamps) - now)
    elif ahead_s < -_TOLERATED_S and entries.modified_at > now - _RECENT_S:
        yield _from_the_past(entries, -ahead_s, max(stamps), now)


def epoch_s(source: LogSource, lines: list[bytes], now: float) -> list[float]:
    """Read the times of the last entries, in epoch seconds."""
    log_format = make_format(source)
    if log_format.start is None:
        texts = [log_format.time_text(line) for line in lines[-_LOOKED_AT:] if line]
    else:
        block = b"\n".join(lines) + b"\n"
        starts = [found.start() for found in log_format.start.finditer(block)][-_LOOKED_AT:]
        bounds = zip(starts, [*starts[1:], len(block)], strict=True)
        texts = [log_format.time_text(block[start:end]) for start, end in bounds]
    stamps = [log_format.time_ms(text, None, now) for text in texts if text is not None]
    return [stamp / 1000 for stamp in stamps if stamp is not None]


def _offset(ahead_s: float) -> float | None:
    """Give the difference of two zones that explains ``ahead_s``; None when none does."""
    quarters = round(ahead_s / _QUARTER_S)
    if quarters == 0 or abs(ahead_s) > _WIDEST_ZONE_S or abs(ahead_s - quarters * _QUARTER_S) > _SLACK_S:
        return None
    return float(quarters * _QUARTER_S)


def _is_without_offset(entries: Entries, now: float) -> bool:
    """Whether the zone of the configuration makes a difference: else the entries name their own."""
    elsewhere = msgspec.structs.replace(entries.source, timezone="+13:00")
    if entries.source.timezone in {"+13:00", "Pacific/Auckland"}:
        elsewhere = msgspec.structs.replace(entries.source, timezone="UTC")
    return epoch_s(entries.source, entries.lines, now) != epoch_s(elsewhere, entries.lines, now)


def _wrong_zone(entries: Entries, ahead_s: float, now: float) -> Finding:
    direction = "after" if ahead_s > 0 else "before"
    away = format_duration(abs(ahead_s))
    what = f"timezone? Read as {entries.source.timezone}, the newest entry is {away} {direction} the last write"
    severity = Severity.PROBLEM if ahead_s > TOO_NEW_S else Severity.WARNING
    return Finding(severity, what, entries.where, _zone_remedy(entries, now))


def _zone_remedy(entries: Entries, now: float) -> str:
    local = local_zone()
    if local and local != entries.source.timezone:
        stamps = epoch_s(msgspec.structs.replace(entries.source, timezone=local), entries.lines, now)
        if stamps and abs(max(stamps) - entries.modified_at) < _TOLERATED_S:
            return f'set timezone = "{local}", the zone of this host, for source {entries.source.name}'
    return f"set timezone of source {entries.source.name} to the zone that the writer stamps with"


def _from_the_future(entries: Entries, ahead_s: float) -> Finding:
    away = format_duration(ahead_s)
    if ahead_s > TOO_NEW_S:
        what = f"the newest entry is {away} ahead: CloudWatch refuses what is over 2h ahead, it becomes a dead letter"
        return Finding(Severity.PROBLEM, what, entries.where, "set the clock of the writer")
    return Finding(
        Severity.WARNING, f"the newest entry is {away} ahead", entries.where, "check the clock of the writer"
    )


def _from_the_past(entries: Entries, behind_s: float, newest: float, now: float) -> Finding:
    away = format_duration(behind_s)
    if now - newest > TOO_OLD_S:
        what = f"written to lately, with times {away} back: CloudWatch refuses what is over 14 days old"
        return Finding(Severity.PROBLEM, what, entries.where, "check format and clock of the writer")
    what = f"the newest entry is {away} before the last write"
    remedy = "nothing, if the file is written long after the event; else check timezone and the clock of the writer"
    return Finding(Severity.WARNING, what, entries.where, remedy)


def local_zone(root: Path = Path("/")) -> str:
    """Name the host's own zone, empty when that is not known (localtime(5))."""
    try:
        target = (root / "etc/localtime").resolve(strict=True)
    except OSError:
        return ""
    return str(target).partition("/zoneinfo/")[2]
