"""``vawsum-agent deploy work``: the process that deploys, started by the commands that ask for one. Not for people."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_options import app_option
from vawsum_agent.cli.options import config_option
from vawsum_agent.deploy.order import Order

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.record import Kind


@click.command(hidden=True)
@config_option
@app_option
@click.option("--id", "deploy_id", required=True)
@click.option("--kind", type=click.Choice(["start", "rollback", "converge"]), required=True)
@click.option("--release", required=True)
@click.option("--sha256", default="")
@click.option("--by", default="")
def work(config_path: Path, app_name: str, deploy_id: str, kind: Kind, release: str, sha256: str, by: str) -> int:
    """Carry out a deploy that was asked for; see `vawsum-agent deploy start`."""
    # Somebody waits. structlog imports rich for tracebacks that we don't use, see `run`; and of what is imported
    # nothing is garbage yet, which Python would look for all the same: together a fifth of a second.
    sys.modules["rich"] = None  # type: ignore[assignment]
    gc.disable()
    from vawsum_agent.cli.deploy_job import carry_out_here  # noqa: PLC0415 - after the lines above

    gc.enable()
    order = Order(deploy_id=deploy_id, app=app_name, kind=kind, release=release, sha256=sha256, by=by)
    return carry_out_here(config_path, order)
