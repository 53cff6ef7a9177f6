"""``vawsum-agent run``: the daemon, in the foreground."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.failure import exit_code_of
from vawsum_agent.cli.options import config_option, examples

if TYPE_CHECKING:
    from pathlib import Path


@click.command(epilog=examples("run", "run --config ./agent.toml", "run --json 2> agent.log"))
@config_option
@click.option("--json", "as_json", is_flag=True, help="Log JSON lines, also on a terminal.")
def run(config_path: Path, *, as_json: bool) -> None:
    """Run the daemon in the foreground.

    SIGTERM and SIGINT drain and stop it (a second one stops it at once), SIGHUP reloads the configuration.
    """
    # structlog imports rich where it finds it, for tracebacks that we don't use: 5 MB resident.
    sys.modules["rich"] = None  # type: ignore[assignment]  # Python's way to forbid an import

    from vawsum_agent.daemon.log_output import configure_stderr  # noqa: PLC0415 - after the line above
    from vawsum_agent.daemon.process import exit_now  # noqa: PLC0415 - after the line above
    from vawsum_agent.daemon.wiring import serve  # noqa: PLC0415 - after the line above

    configure_stderr(as_json=as_json)
    exit_now(exit_code_of(lambda: serve(config_path)))
