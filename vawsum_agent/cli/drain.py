"""``vawsum-agent drain``: everything read so far is delivered when this returns."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.control_client import Answer, ControlClient
from vawsum_agent.cli.options import Duration, config_option, examples, json_option, print_json
from vawsum_agent.config.load import load_agent
from vawsum_agent.core.errors import AgentError, DrainTimeout
from vawsum_agent.core.units import format_bytes
from vawsum_agent.daemon.paths import control_socket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PROGRESS_EVERY_S = 1.0


@click.command(epilog=examples("drain", "drain --timeout 90s", "drain --json"))
@config_option
@json_option
@click.option("--timeout", type=Duration(), default="5m", show_default=True, help="Give up after this long.")
def drain(config_path: Path, *, as_json: bool, timeout: float) -> int:
    """Flush everything the daemon has, then return; the daemon goes on afterwards.

    Exit code 1 when something was left at the timeout (it stays on disk and is sent later), 75 when the daemon is busy.
    """
    client = ControlClient(control_socket(load_agent(config_path)))
    answer = _with_progress(client, timeout)
    if as_json:
        print_json(answer.document)
    elif answer.document["drained"]:
        click.echo("drained")
    else:
        raise DrainTimeout("; ".join(_left(answer)), hint="what is left stays on disk: vawsum-agent status")
    return 0 if answer.document["drained"] else 1


def _left(answer: Answer) -> Iterator[str]:
    rows = answer.document.get("components")
    for row in rows if isinstance(rows, list) else []:
        if row["error"] is not None:
            yield f"{row['name']}: {row['error']}"


def _with_progress(client: ControlClient, timeout_s: float) -> Answer:
    """Wait for the drain on a thread, and show the backlog meanwhile where somebody looks."""
    outcome: list[Answer | AgentError] = []

    def ask() -> None:
        try:
            outcome.append(client.drain(timeout_s))
        except AgentError as error:
            outcome.append(error)

    asking = threading.Thread(target=ask, name="drain", daemon=True)
    asking.start()
    is_shown = sys.stderr.isatty()
    while asking.is_alive():
        asking.join(_PROGRESS_EVERY_S)
        if is_shown and asking.is_alive():
            _show_backlog(client)
    if is_shown:
        click.echo("\r\033[K", nl=False, err=True)
    result = outcome[0]
    if isinstance(result, AgentError):
        raise result
    return result


def _show_backlog(client: ControlClient) -> None:
    try:
        rows = client.status()["components"]
    except AgentError:
        return  # the drain itself will tell what is wrong
    left = [f"{row['name']} {format_bytes(row['backlog_bytes'])}" for row in rows] if isinstance(rows, list) else []
    click.echo(f"\r\033[Kdraining: {', '.join(left)} left", nl=False, err=True)
