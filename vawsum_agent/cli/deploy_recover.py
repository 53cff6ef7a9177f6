"""``vawsum-agent deploy recover``: what a crash or a reboot left of a deploy, finished or taken back."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.deploy_means import work_of
from vawsum_agent.cli.deploy_options import configured_apps
from vawsum_agent.cli.deploy_result import document, lines
from vawsum_agent.cli.failure import INTERRUPTED
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.text import printable
from vawsum_agent.daemon.log_output import silence
from vawsum_agent.deploy.copies import copies_here, folder_of_copies
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.lock import Holder, locked
from vawsum_agent.deploy.machine import End

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.cli.deploy_options import Apps
    from vawsum_agent.deploy.record import Record


@click.command(epilog=examples("deploy recover", "deploy recover --json"))
@config_option
@json_option
def recover(config_path: Path, *, as_json: bool) -> int:
    """Finish, or take back, every deploy that was cut off on this host; `vawsum-agent-deploy-recover` does so at boot.

    A release that was proven and on its way into service is finished; any other is taken back. What is stuck is tried
    again. Exit code 1: something is stuck still. Exit code 75: a deploy runs, so that nothing is left over.
    """
    silence()
    os.umask(0o022)  # whatever the caller's: the daemon and people read what is noted
    apps = configured_apps(config_path, are_needed=False)
    try:
        # Where nothing is, AWS is not asked, which at boot may not answer yet.
        records = work_of(apps).recover(_say) if apps.has_unfinished() else _shown_to_the_daemon(apps)
    except KeyboardInterrupt:
        _say("stopped in the middle: `vawsum-agent deploy recover`, or the next deploy, goes on with it")
        return INTERRUPTED
    is_stuck = any(record.end == End.STUCK for record in records)
    if as_json:
        print_json({"deploys": [document(record) for record in records]})
        return int(is_stuck)
    for record in records:
        for line in lines(record):
            click.echo(printable(line))
    if not records:
        click.echo("nothing was left unfinished")
    return int(is_stuck)


def _shown_to_the_daemon(apps: Apps) -> list[Record]:
    """Have it see what it does not see yet, such as records that a restored image brought; give none to recover."""
    copies, folders = copies_here(os.environ), apps.folders()
    if copies is not None:
        holder = Holder(deploy_id="", app="", what="recovery", pid=os.getpid())
        # A deploy that runs by now does so itself.
        with suppress(AgentError), locked(folders, holder):
            for name, folder in folders.items():
                Journal(folder, SystemClock(), copies=folder_of_copies(copies, name)).show_all()
    return []


def _say(text: str) -> None:
    with suppress(OSError):  # the terminal may be gone; that is no reason to stop
        click.echo(printable(text), err=True)
