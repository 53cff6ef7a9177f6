"""``vawsum-agent status``: what every component did last, is doing, has left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent import __version__
from vawsum_agent.cli.control_client import ControlClient
from vawsum_agent.cli.options import Duration, config_option, examples, json_option, print_json
from vawsum_agent.config.load import load_agent
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.errors import AgentError, NotRunningError, StateError
from vawsum_agent.daemon.paths import control_socket, state_file

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import AgentConfig

_EXIT_CODES = {"running": 0, "degraded": 1, "starting": 1, "draining": 1}
_FAILED = 2


@click.command(epilog=examples("status", "status --files", "status --watch", "status --json | jq .state"))
@config_option
@json_option
@click.option("--files", "-v", "with_files", is_flag=True, help="Show the byte ledger of every followed file.")
@click.option("--watch", is_flag=True, help="Refresh in place until Ctrl-C.")
@click.option(
    "--interval",
    type=Duration(least_s=0.1),
    default="2s",
    show_default=True,
    help="Between two refreshes; 100ms or more.",
)
def status(config_path: Path, *, as_json: bool, with_files: bool, watch: bool, interval: float) -> int:
    """Show what every component did last, is doing, and has left to do.

    Exit codes as Nagios plug-ins have them: 0 ok, 1 degraded, 2 failed or not running.
    """
    if watch and as_json:
        raise click.UsageError("--watch and --json exclude each other")
    agent = load_agent(config_path)
    if as_json:
        document = current(agent)
        print_json(document)
        return _exit_code(document)
    # rich takes a while to import, which --json should not wait for.
    from vawsum_agent.cli.status_view import View  # noqa: PLC0415

    view = View(with_files=with_files, before=_before(agent))
    if watch:
        view.watch(lambda: current(agent), interval)
        return 0
    document = current(agent)
    view.show(document)
    return _exit_code(document)


def _exit_code(document: dict[str, object]) -> int:
    return _EXIT_CODES.get(str(document["state"]), _FAILED)


def current(agent: AgentConfig) -> dict[str, object]:
    """Ask the daemon; when it is down, what it wrote down last, and since when it is gone."""
    try:
        return ControlClient(control_socket(agent)).status()
    except NotRunningError as error:
        return _last_known(agent, error)
    except AgentError as error:
        return _stopped({}, error)


def _before(agent: AgentConfig) -> tuple[dict[str, object], float] | None:
    """Read what the daemon wrote down some seconds ago, to tell rates from; a user who may not read it sees none."""
    from vawsum_agent.state.inspection import read_snapshot  # noqa: PLC0415 - `--json` needs no SQLite

    try:
        return read_snapshot(state_file(agent))
    except (StateError, OSError):
        return None


def _last_known(agent: AgentConfig, error: AgentError) -> dict[str, object]:
    # Imported here since a running daemon, the usual case, needs no SQLite.
    from vawsum_agent.state.inspection import read_snapshot  # noqa: PLC0415

    try:
        snapshot = read_snapshot(state_file(agent))
    except StateError as unreadable:
        return _stopped({}, unreadable)
    if snapshot is None:
        return _stopped({}, error)
    document, saved_at = snapshot
    return _stopped(document, error) | {"last_seen_at": rfc3339(saved_at)}


def _stopped(document: dict[str, object], error: AgentError) -> dict[str, object]:
    """Turn what was true last into what is true now."""
    rows = document.get("components")
    components = [{**row, "state": "stopped"} for row in rows] if isinstance(rows, list) else []
    nothing = {"version": __version__, "instance_id": None, "role": None, "started_at": None}
    notice = {"text": error.message, "hint": error.hint}
    return nothing | document | {"state": "stopped", "pid": None, "notices": [notice], "components": components}
