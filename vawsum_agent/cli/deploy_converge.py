"""``vawsum-agent deploy converge``: this host serves what the fleet should serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_follow import carry_out
from vawsum_agent.cli.deploy_means import artifacts_of
from vawsum_agent.cli.deploy_options import app_option, asker, configured_app, configured_apps
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.daemon.log_output import silence
from vawsum_agent.deploy.fleet_release import is_served, read_fleet_release
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.order import Order

if TYPE_CHECKING:
    from pathlib import Path


@click.command(epilog=examples("deploy converge --app vawsum-web"))
@config_option
@json_option
@app_option
def converge(config_path: Path, app_name: str, *, as_json: bool) -> int:
    """Make this host serve the release that CURRENT.json beside the artifacts names, with the checksum it names.

    A new host of the group runs it at its start. Nothing happens where that release is served already. What was cut off
    is finished or taken back first.
    """
    silence()
    apps = configured_apps(config_path)
    app = configured_app(apps, app_name)
    folder = apps.folders()[app.name]
    wanted = read_fleet_release(artifacts_of(apps.config, app))
    journal = Journal(folder, SystemClock())
    if is_served(folder, journal, wanted.release):
        if as_json:
            print_json({"app": app.name, "release": wanted.release, "result": "nothing to do"})
        else:
            click.echo(f"{app.name} serves {wanted.release} already: nothing to do")
        return 0
    order = Order(
        deploy_id=journal.new_id(),
        app=app.name,
        kind="converge",
        release=wanted.release,
        sha256=wanted.sha256,
        by=asker(),
    )
    return carry_out(config_path, apps, order, as_json=as_json)
