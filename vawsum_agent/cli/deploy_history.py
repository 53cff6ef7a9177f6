"""``vawsum-agent deploy history``: what was deployed on this host, what came of it, and what runs now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_options import app_option, configured_app, configured_apps
from vawsum_agent.cli.deploy_result import document
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock, rfc3339
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.copies import COPIES
from vawsum_agent.deploy.healthy import served_healthy
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.worker import is_worked_on

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.record import Record


@click.command(epilog=examples("deploy history --app vawsum-web", "deploy history --app vawsum-web --last 3 --json"))
@config_option
@json_option
@app_option
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="How many of them.")
def history(config_path: Path, app_name: str, last: int, *, as_json: bool) -> int:
    """Show the deploys and rollbacks of an application on this host, the latest last, and what came of each.

    Releases that served healthy, and so can be gone back to, are named as well.
    """
    apps = configured_apps(config_path)
    app = configured_app(apps, app_name)
    folder = apps.folders()[app.name]
    records = Journal(folder, SystemClock()).records()
    # Not by trying the lock: a deploy that begins just then would find it held.
    is_running = is_worked_on(folder, COPIES / app.name)
    current, healthy = folder.current_release(), served_healthy(records)
    if as_json:
        rows = [document(record) | {"result": _result(record, is_running=is_running)} for record in records[-last:]]
        print_json({"app": app.name, "current": current, "healthy": healthy, "deploys": rows})
        return 0
    click.echo(printable(f"{app.name}: {current or 'nothing'} is current"))
    for record in records[-last:]:
        for line in _lines(record, is_running=is_running):
            click.echo(printable(line))
    if healthy:
        click.echo(printable(f"served healthy: {', '.join(healthy[:10])}"))
    return 0


def _result(record: Record, *, is_running: bool) -> str:
    return record.end or ("running" if is_running else "unfinished")


def _lines(record: Record, *, is_running: bool) -> list[str]:
    result = _result(record, is_running=is_running)
    took = "" if record.ended_at is None else f", {format_duration(round(record.ended_at - record.began_at))}"
    head = f"{rfc3339(record.began_at)[:19]}Z  {record.kind:<8}  {record.release}  {result}{took}"
    failure = record.failure
    rows = [head] if failure is None else [head, f"    {failure.step} {failure.phase}: {failure.text}"]
    if record.end is None and record.lines:
        rows.append(f"    at: {record.lines[-1].step} {record.lines[-1].phase}")
    if result == "unfinished":
        rows.append("    `vawsum-agent deploy recover` finishes it or takes it back")
    return rows
