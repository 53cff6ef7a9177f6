"""What the doctor's tests share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.config.model import FormatName, LogSource
from vawsum_agent.core.eyes import Eyes
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterable

IDENTITY = Identity("i-1", "host", "test", "web")
ROOT = Eyes("root", 0, 0, (0,), reads_all=True)
OWN = Eyes("me", os.geteuid(), os.getegid(), tuple(os.getgroups()))
STRANGER = Eyes("vawsum-agent", 54_321, 54_321, (54_321,))


def a_source(
    *paths: object,
    name: str = "test",
    log_format: FormatName = "apache-access",
    timezone: str = "UTC",
    log_group: str = "/g",
    log_stream: str = "{instance_id}{path}",
) -> LogSource:
    """Make a source."""
    return LogSource(
        name=name,
        paths=[str(path) for path in paths],
        format=log_format,
        timezone=timezone,
        log_group=log_group,
        log_stream=log_stream,
        redact=["password"],
    )


def bad(findings: Iterable[Finding]) -> list[Finding]:
    """Leave out what is well."""
    return [finding for finding in findings if finding.severity is not Severity.OK]


def only(findings: Iterable[Finding]) -> Finding:
    """Return the one finding that is not well; it has a remedy."""
    (finding,) = bad(findings)
    assert finding.remedy
    return finding
