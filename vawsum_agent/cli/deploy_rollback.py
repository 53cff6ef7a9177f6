"""``vawsum-agent deploy rollback``: back to a release that served healthy on this host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_follow import carry_out
from vawsum_agent.cli.deploy_options import app_option, asker, configured_app, configured_apps
from vawsum_agent.cli.options import config_option, examples, json_option
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.deploy.healthy import rollback_target, undoing
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.order import Order
from vawsum_agent.deploy.release_id import checked_release_id

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    epilog=examples(
        "deploy rollback --app vawsum-web", "deploy rollback --app vawsum-web --to 20261129T101500Z-4f2a91c"
    )
)
@config_option
@json_option
@app_option
@click.option("--to", metavar="RELEASE", help="Which one; otherwise the last healthy one before this.")
def rollback(config_path: Path, app_name: str, to: str | None, *, as_json: bool) -> int:
    """Go back to a release that served healthy on this host, with the secrets it had.

    It is a deploy like any other: drained, switched, proven, guarded, and taken back when it fails. Only a release that
    stayed in service here counts; one that was taken back never does.
    """
    apps = configured_apps(config_path)
    app = configured_app(apps, app_name)
    folder = apps.folders()[app.name]
    # Empty, as a variable of a script may be, is no wish for any release.
    wanted = "" if to is None else checked_release_id(to)
    journal = Journal(folder, SystemClock())
    journal.prepare()  # before its records are believed
    records, left = journal.records(), journal.unfinished()
    if apps.has_unfinished():
        # That is ended first, and then it is seen whether this can be gone back to, or is what is served by now.
        release = wanted or (undoing(left[-1], records) if left else "")
    else:
        release = rollback_target(records, current=folder.current_release(), wanted=wanted)
    order = Order(deploy_id=journal.new_id(), app=app.name, kind="rollback", release=release, by=asker())
    return carry_out(config_path, apps, order, as_json=as_json)
