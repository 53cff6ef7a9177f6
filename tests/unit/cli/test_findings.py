"""How findings look: the worst first, one remedy once, and nothing that commands the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.cli.findings import document_of, print_findings
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    import pytest

SWITCH_ON = "switch the page on"


def test_one_remedy_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """What one deed mends stands together above it; programs get it with each."""
    found = [
        Finding(Severity.OK, "is well", "a"),
        Finding(Severity.WARNING, "answered 404", "page 1", SWITCH_ON),
        Finding(Severity.OK, "is well", "b"),
        Finding(Severity.PROBLEM, "answered 404", "page 2", SWITCH_ON),
        Finding(Severity.PROBLEM, "is closed", "file", "open it"),
        Finding(Severity.PROBLEM, "answered 404", "page 3", SWITCH_ON),
    ]
    print_findings(found)
    assert capsys.readouterr().out.splitlines() == [
        "problem  page 2: answered 404",
        "problem  page 3: answered 404",
        f"         → {SWITCH_ON}",
        "problem  file: is closed",
        "         → open it",
        "warning  page 1: answered 404",
        f"         → {SWITCH_ON}",
        "ok       a: is well",
        "ok       b: is well",
    ]
    assert [row["remedy"] for row in document_of(found)].count(SWITCH_ON) == 3


def test_quotes_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What a file, a page or AWS said is shown with its control characters written out."""
    print_findings([Finding(Severity.PROBLEM, "said \x1b]0;mine\x07 and \x00\r\n", "\x1b[2J.log", "\x9b31m")])
    out = capsys.readouterr().out
    assert out.splitlines() == [
        r"problem  \x1b[2J.log: said \x1b]0;mine\x07 and \x00\r\n",
        r"         → \x9b31m",
    ]
