"""What the tests of doctor share."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from vawsum_agent.core.eyes import Eyes
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

ME = getpass.getuser()
OWN = Eyes(ME, os.geteuid(), os.getegid(), tuple(os.getgroups()), reads_all=os.geteuid() == 0)
STRANGER = Eyes("vawsum-agent", 54_321, 54_321, (54_321,))


def no_unit(_: str) -> str:
    """There is no systemd."""
    return ""


def only(findings: Iterable[Finding], severity: Severity) -> Finding:
    """Return the one finding there is; it has a remedy unless all is well."""
    (finding,) = findings
    assert finding.severity is severity, finding
    assert bool(finding.remedy) == (severity is not Severity.OK), finding
    return finding
