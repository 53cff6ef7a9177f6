"""``vawsum-agent deploy start``: one release, on this host, now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_follow import carry_out
from vawsum_agent.cli.deploy_options import app_option, asker, configured_app, configured_apps
from vawsum_agent.cli.options import config_option, examples, json_option
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.order import Order
from vawsum_agent.deploy.release_id import checked_release_id

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    epilog=examples(
        "deploy start --app vawsum-web --release 20261129T101500Z-4f2a91c",
        "deploy start --app vawsum-web --release 20261129T101500Z-4f2a91c --json",
    )
)
@config_option
@json_option
@app_option
@click.option("--release", required=True, metavar="RELEASE", help="As `release publish` printed it.")
def start(config_path: Path, app_name: str, release: str, *, as_json: bool) -> int:
    """Deploy a release on this host: fetch, drain, switch, reload, prove, return, guard.

    Whatever fails is taken back, and the release served before is proven and served as before; the exit code is 1 then.
    Closing the terminal, or ending this command, does not end the deploy: it works by itself, under systemd as a
    service. Killed or rebooted amid it, the next deploy, or `deploy recover` at boot, finishes it or takes it back.
    Exit code 75: another deploy runs on this host.
    """
    apps = configured_apps(config_path)
    app = configured_app(apps, app_name)
    deploy_id = Journal(apps.folders()[app.name], SystemClock()).new_id()
    order = Order(deploy_id=deploy_id, app=app.name, kind="start", release=checked_release_id(release), by=asker())
    return carry_out(config_path, apps, order, as_json=as_json)
