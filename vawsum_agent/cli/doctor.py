"""``vawsum-agent doctor``: finds what will go wrong, each with its remedy."""

from __future__ import annotations

from pathlib import Path

import click

from vawsum_agent.cli.findings import document_of, print_findings, worst_exit_code
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.config.summary import warnings
from vawsum_agent.daemon.checks import diagnose
from vawsum_agent.daemon.log_output import silence


@click.command(epilog=examples("doctor", "doctor --json | jq '.findings[] | select(.severity == \"problem\")'"))
@config_option
@json_option
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("/"),
    show_default=True,
    metavar="FOLDER",
    help="Where etc/logrotate.conf is looked for.",
)
def doctor(config_path: Path, *, as_json: bool, root: Path) -> int:
    """Look for what will go wrong: permissions, formats, rotation, clock, IAM. Run it as root.

    Files are looked at as the daemon's user would. Nothing is changed, here or in AWS. Exit code 1 when there is a
    problem; a warning is none.
    """
    silence()
    config = load(config_path).config
    findings = [*warnings(config, str(config_path)), *diagnose(config, root)]
    if as_json:
        print_json({"findings": document_of(findings)})
    else:
        print_findings(findings)
    return worst_exit_code(findings)
