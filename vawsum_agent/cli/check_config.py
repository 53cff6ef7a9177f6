"""``vawsum-agent check-config``: is the configuration what the daemon will take?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.findings import document_of, print_findings, worst_exit_code
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import Loaded, load
from vawsum_agent.config.summary import switched_on, warnings
from vawsum_agent.config.tree import MISSING
from vawsum_agent.core.errors import ConfigError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.core.finding import Finding


@click.command(
    "check-config",
    epilog=examples("check-config", "check-config --config ./agent.toml", "check-config --online --json"),
)
@config_option
@json_option
@click.option("--online", is_flag=True, help="Also try what the configuration names: AWS, servers, disks, file access.")
def check_config(config_path: Path, *, as_json: bool, online: bool) -> int:
    """Validate the configuration: every violation at once, exit 78 if there is any; else what it switches on."""
    try:
        loaded = load(config_path)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"valid": False, "violations": _rows(error)})
        return error.exit_code
    findings = warnings(loaded.config, str(config_path)) + (_probe(loaded) if online else [])
    if as_json:
        files = [str(file) for file in loaded.files]
        document = {"valid": True, "violations": [], "files": files, "switches_on": switched_on(loaded.config)}
        print_json(document | {"findings": document_of(findings)})
    else:
        for line in (f"valid: {', '.join(map(str, loaded.files))}", *switched_on(loaded.config)):
            click.echo(printable(line))
        print_findings(findings)
    return worst_exit_code(findings)


def _probe(loaded: Loaded) -> list[Finding]:
    # Probes reach AWS, and the SDK takes a while to import.
    from vawsum_agent.daemon.checks import probe  # noqa: PLC0415
    from vawsum_agent.daemon.log_output import silence  # noqa: PLC0415

    silence()
    return list(probe(loaded.config))


def _rows(error: ConfigError) -> list[dict[str, object]]:
    return [
        {
            "file": violation.file,
            "key": violation.key,
            "value": None if violation.value is MISSING else violation.value,
            "expected": violation.expected,
        }
        for violation in error.violations
    ]
