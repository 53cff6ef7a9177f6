"""How findings are shown: a table for people, rows for programs, an exit code for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ORDER = (Severity.PROBLEM, Severity.WARNING, Severity.OK)
_STYLE = {Severity.PROBLEM: "red", Severity.WARNING: "yellow", Severity.OK: "green"}


def print_findings(findings: Iterable[Finding]) -> None:
    """Print the worst first, each with its remedy below it; those of one remedy together, and it once."""
    by_remedy: dict[tuple[int, object], list[Finding]] = {}
    for number, finding in enumerate(findings):
        together = finding.remedy or number
        by_remedy.setdefault((_ORDER.index(finding.severity), together), []).append(finding)
    for _, found in sorted(by_remedy.items(), key=lambda item: item[0][0]):
        for finding in found:
            severity = click.style(f"{finding.severity.value:8}", fg=_STYLE[finding.severity])
            # What is told of a file, a page or an answer of AWS may quote it.
            click.echo(f"{severity} {printable(finding.where)}: {printable(finding.what)}")
        if found[0].remedy:
            click.echo(f"{'':8} → {printable(found[0].remedy)}")


def document_of(findings: Iterable[Finding]) -> list[dict[str, str]]:
    """The rows of ``--json``."""
    return [
        {"severity": found.severity.value, "what": found.what, "where": found.where, "remedy": found.remedy}
        for found in findings
    ]


def worst_exit_code(findings: Sequence[Finding]) -> int:
    """1 if there is a problem, else 0: a warning is no failure."""
    return int(any(found.severity is Severity.PROBLEM for found in findings))
