"""``vawsum-agent deploy work``: the process that deploys, started by the commands that ask for one. Not for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_means import work_of
from vawsum_agent.cli.deploy_options import app_option, configured_app, configured_apps
from vawsum_agent.cli.options import config_option
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError, UsageError
from vawsum_agent.daemon.log_output import configure_stderr
from vawsum_agent.deploy.journal import Journal, Refusal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.order import Order
from vawsum_agent.deploy.record import is_deploy_id
from vawsum_agent.deploy.release_id import checked_release_id

if TYPE_CHECKING:
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
    if not is_deploy_id(deploy_id):
        raise UsageError("--id is no deploy")
    configure_stderr(as_json=True)
    apps = configured_apps(config_path)
    app = configured_app(apps, app_name)
    order = Order(
        deploy_id=deploy_id, app=app.name, kind=kind, release=checked_release_id(release), sha256=sha256, by=by
    )
    try:
        record = work_of(apps).deploy(order)
    except AgentError as error:
        # Whoever asked looks into the journal, not at us.
        refusal = Refusal(message=error.message, hint=error.hint, exit_code=error.exit_code)
        Journal(AppFolder(Path(app.path)), SystemClock()).refuse(deploy_id, refusal)
        raise
    return 0 if record.end == End.DEPLOYED else 1
