"""``vawsum-agent doctor``: finds what will go wrong, each with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.findings import document_of, print_findings, worst_exit_code
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.daemon.checks import CHECKS

if TYPE_CHECKING:
    from pathlib import Path


@click.command(epilog=examples("doctor", "doctor --json | jq '.findings[] | select(.severity == \"problem\")'"))
@config_option
@json_option
def doctor(config_path: Path, *, as_json: bool) -> int:
    """Look for what will go wrong: permissions, formats, rotation, clock, IAM. Run it as the daemon's user.

    Exit code 1 when there is a problem; a warning is none.
    """
    config = load(config_path).config
    findings = [finding for check in CHECKS for finding in check(config)]
    if as_json:
        print_json({"findings": document_of(findings)})
    else:
        print_findings(findings)
    return worst_exit_code(findings)
