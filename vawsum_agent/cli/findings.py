"""How findings are shown: a table for people, rows for programs, an exit code for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ORDER = (Severity.PROBLEM, Severity.WARNING, Severity.OK)
_STYLE = {Severity.PROBLEM: "red", Severity.WARNING: "yellow", Severity.OK: "green"}


def print_findings(findings: Iterable[Finding]) -> None:
    """Print the worst first, each with its remedy below it."""
    for finding in sorted(findings, key=lambda finding: _ORDER.index(finding.severity)):
        severity = click.style(f"{finding.severity.value:8}", fg=_STYLE[finding.severity])
        click.echo(f"{severity} {finding.where}: {finding.what}")
        if finding.remedy:
            click.echo(f"{'':8} → {finding.remedy}")


def document_of(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The rows of ``--json``."""
    return [
        {"severity": found.severity.value, "what": found.what, "where": found.where, "remedy": found.remedy}
        for found in findings
    ]


def worst_exit_code(findings: Sequence[Finding]) -> int:
    """1 if there is a problem, else 0: a warning is no failure."""
    return int(any(found.severity is Severity.PROBLEM for found in findings))
