"""Carries out what a deploy command asks for: starts the work beside itself, follows it, and prints what came of it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_result import document, lines
from vawsum_agent.cli.failure import INTERRUPTED
from vawsum_agent.cli.options import print_json
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BusyError, DeployError, UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.follow import followed
from vawsum_agent.deploy.journal import Journal, Refusal
from vawsum_agent.deploy.launch import start
from vawsum_agent.deploy.machine import End

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.cli.deploy_options import Apps
    from vawsum_agent.deploy.launch import Job
    from vawsum_agent.deploy.order import Order


def carry_out(config_path: Path, apps: Apps, order: Order, *, as_json: bool) -> int:
    """Have it done; give the exit code.

    What comes of it is all that goes to stdout: who keeps only the head of the output, as SSM does, keeps that.

    Raises:
        DeployError, BusyError, UsageError: it did not begin.
    """
    journal = Journal(apps.folders()[order.app], SystemClock())
    journal.prepare()
    _see_that_there_is_room(journal, apps)

    def say(line: str) -> None:
        click.echo(printable(line), err=True)

    def launch() -> Job:
        unit = f"vawsum-agent-deploy-{order.deploy_id}"
        return start(arguments(config_path, order), unit=unit, stray=journal.stray_path(order.deploy_id))

    try:
        outcome = followed(journal, order.deploy_id, launch, say=say, sleep=time.sleep)
    except KeyboardInterrupt:
        say(f"the deploy goes on by itself: `vawsum-agent deploy history --app {order.app}` shows how it ends")
        return INTERRUPTED
    except DeployError:
        _see_that_there_is_room(journal, apps)
        raise
    if isinstance(outcome, Refusal):
        return _not_begun(order, outcome, as_json=as_json)
    if as_json:
        print_json(document(outcome))
    else:
        for line in lines(outcome):
            click.echo(printable(line))
    return 0 if outcome.end == End.DEPLOYED else 1


def _see_that_there_is_room(journal: Journal, apps: Apps) -> None:
    """Look here, since the work could not even tell that there is none. Raises DeployError."""
    try:
        journal.set_aside()
    except DeployError:
        # What was cut off, perhaps by what fills the disk, is ended all the same; and then the work looks once more.
        if not apps.has_unfinished():
            raise


def _not_begun(order: Order, why: Refusal, *, as_json: bool) -> int:
    if why.exit_code:
        raise _error(why)
    if as_json:
        print_json({"app": order.app, "release": order.release, "result": "nothing to do", "why": why.message})
    else:
        click.echo(printable(why.message))
    return 0


def arguments(config_path: Path, order: Order) -> list[str]:
    """Write the order as the command line of the work."""
    return [
        "deploy",
        "work",
        f"--config={os.path.abspath(config_path)}",  # noqa: PTH100 - a link stays one: it may be switched
        f"--id={order.deploy_id}",
        f"--kind={order.kind}",
        f"--app={order.app}",
        f"--release={order.release}",
        f"--sha256={order.sha256}",
        f"--by={order.by}",
    ]


def _error(refusal: Refusal) -> DeployError | BusyError | UsageError:
    for kind in (BusyError, UsageError):
        if refusal.exit_code == kind.exit_code:
            return kind(refusal.message, hint=refusal.hint)
    return DeployError(refusal.message, hint=refusal.hint)
