"""Finds the rotation of each followed file and has it judged; equal findings of many files are told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.logs.doctor.logrotate.parse import read_logrotate
from vawsum_agent.logs.doctor.logrotate.rules import Rotated, findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vawsum_agent.core.eyes import Eyes
    from vawsum_agent.logs.doctor.found import LogFile


def logrotate(files: Sequence[LogFile], eyes: Eyes, root: Path) -> Iterator[Finding]:
    """Judge the configuration below ``root`` by the files that are followed."""
    stanzas = read_logrotate(root)
    told: dict[Finding, LogFile] = {}
    covered = 0
    for file in files:
        # logrotate itself refuses a file that two stanzas name, in favour of the first.
        stanza = next((stanza for stanza in stanzas if stanza.covers(file.path)), None)
        if stanza is None:
            continue
        covered += 1
        for finding in findings(Rotated(file.path, file.source.format, stanza), eyes):
            told.setdefault(finding, file)
    for finding, file in told.items():
        yield Finding(finding.severity, f"{file.where}: {finding.what}", finding.where, finding.remedy)
    if covered and not told:
        what = f"rotation of {covered} {'file' if covered == 1 else 'files'} loses nothing"
        yield Finding(Severity.OK, what, str(root / "etc/logrotate.conf"))
