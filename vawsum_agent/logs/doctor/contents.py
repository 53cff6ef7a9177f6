"""What is in the live files: entries that the format does not explain, and timestamps that can't be right."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec

from vawsum_agent.config.model import FormatName
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.text import printable
from vawsum_agent.logs.doctor.times import Entries, times
from vawsum_agent.logs.formats.match import match_rate
from vawsum_agent.logs.formats.registry import make_format
from vawsum_agent.logs.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import LogSource
    from vawsum_agent.core.eyes import Eyes
    from vawsum_agent.logs.doctor.found import LogFile

_SAMPLE_BYTES = 64 << 10
_MOST_FILES = 50
_EXAMPLE_CHARACTERS = 160
_RUN = re.compile(r"([\x00-\x1f\x7f-\x9f])\1{3,}")
"""Such as NULs, where a writer wrote on behind the end of a file that had been truncated."""

_GOOD = 0.98
_POOR = 0.5


@dataclass(frozen=True, slots=True)
class Sample:
    """The last whole lines of a file."""

    file: LogFile
    lines: list[bytes]
    modified_at: float


def contents(files: Sequence[LogFile], eyes: Eyes, now: float) -> Iterator[Finding]:
    """Check the newest files of each source."""
    by_source: dict[str, list[LogFile]] = {}
    for file in files:
        by_source.setdefault(file.source.name, []).append(file)
    for name, own in by_source.items():
        with eyes.looking():
            samples = [sample for file in _newest(own) if (sample := take(file)) is not None and sample.lines]
        findings = [finding for sample in samples for finding in _of_sample(sample, now)]
        yield from findings
        if samples and not findings:
            yield Finding(Severity.OK, f'matches format = "{own[0].source.format}", with times that can be right', name)


def take(file: LogFile) -> Sample | None:
    """Read the end of a file; None when that can't be done."""
    try:
        descriptor = os.open(file.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        start = max(0, status.st_size - _SAMPLE_BYTES)
        lines = os.pread(descriptor, _SAMPLE_BYTES, start).split(b"\n")
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return Sample(file, lines[1 if start else 0 : -1], status.st_mtime)


def _newest(files: Sequence[LogFile]) -> list[LogFile]:
    return sorted(files, key=lambda file: _modified_at(file.path), reverse=True)[:_MOST_FILES]


def _modified_at(path: str) -> float:
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


def _of_sample(sample: Sample, now: float) -> Iterator[Finding]:
    source = sample.file.source
    matched, total, example = match_rate(make_format(source), sample.lines)
    if total and example is not None and matched / total < _GOOD:
        yield _mismatch(sample, matched, total, example)
    if total and matched / total >= _POOR:
        yield from times(Entries(source, sample.lines, sample.modified_at, sample.file.where), now)


def _mismatch(sample: Sample, matched: int, total: int, example: bytes) -> Finding:
    source = sample.file.source
    shown = legible(Redactor(source.redact).apply(example))
    severity = Severity.PROBLEM if matched / total < _POOR else Severity.WARNING
    what = f'{matched} of the last {total} lines match format = "{source.format}" ({matched / total:.0%}); not: {shown}'
    better = _better_format(source, sample.lines)
    if better is not None:
        remedy = f'set format = "{better}" for source {source.name}'
    elif severity is Severity.WARNING:
        remedy = "what does not match is sent with the time of the entry before it or of its reading"
    else:
        remedy = 'set format = "plain" with multiline_start and timestamp_format, or leave this file out by exclude'
    return Finding(severity, what, sample.file.where, remedy)


def legible(line: bytes) -> str:
    """Show a line to a person: control characters written out, a run of one told by its length, cut where long."""
    text = _RUN.sub(lambda run: f"{printable(run[1])} ({len(run[0])} times)", line.decode("utf-8", "replace"))
    shown = printable(text)
    return f"'{shown}'" if len(shown) <= _EXAMPLE_CHARACTERS else f"'{shown[:_EXAMPLE_CHARACTERS]}…'"


def _better_format(source: LogSource, lines: list[bytes]) -> str | None:
    """Name the format that explains the sample well, if one does."""
    rates = {}
    for name in get_args(FormatName):
        if name not in {"plain", source.format}:
            other = msgspec.structs.replace(source, format=name, multiline_start="", timestamp_format="")
            matched, total, _ = match_rate(make_format(other), lines)
            rates[name] = matched / total if total else 0.0
    best = max(rates, key=lambda name: rates[name])
    return best if rates[best] >= _GOOD else None
