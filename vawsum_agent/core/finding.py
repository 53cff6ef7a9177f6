"""What a check found: the rows of ``doctor`` and ``check-config --online``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        severity: PROBLEM stops something or loses data; WARNING may one day; OK is told so that silence means nothing.
        what: the fact, in a sentence.
        where: the file, log group, setting or host it is about.
        remedy: what a person does about it; empty for OK.
    """

    severity: Severity
    what: str
    where: str
    remedy: str = ""
