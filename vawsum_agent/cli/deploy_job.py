"""Carries out one order in this process, which does nothing else. Whoever asked follows by the journal."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.cli.deploy_means import work_of
from vawsum_agent.cli.deploy_options import configured_app, configured_apps
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError, DeployError, UsageError
from vawsum_agent.daemon.log_output import configure_stderr
from vawsum_agent.deploy.journal import Journal, Refusal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.persist import carried_through
from vawsum_agent.deploy.record import is_deploy_id
from vawsum_agent.deploy.release_id import checked_release_id
from vawsum_agent.deploy.work import Log, NothingToDo

if TYPE_CHECKING:
    from vawsum_agent.deploy.order import Order


def carry_out_here(config_path: Path, order: Order) -> int:
    """Do it; give the exit code. Raises AgentError, also told in the journal."""
    if not is_deploy_id(order.deploy_id):
        raise UsageError("--id is no deploy")
    os.umask(0o022)  # whatever the caller's: the daemon and people read what is noted
    configure_stderr(as_json=True)
    apps = configured_apps(config_path)
    app = configured_app(apps, order.app)
    if order.release or order.kind != "rollback":
        checked_release_id(order.release)
    journal = Journal(AppFolder(Path(app.path)), SystemClock())
    say = Log(journal.log_path(order.deploy_id)).say
    try:
        record = carried_through(
            journal, order.deploy_id, lambda: work_of(apps).deploy(order), say=say, sleep=time.sleep
        )
    except NothingToDo as told:
        _refuse(journal, order.deploy_id, Refusal(message=told.message, exit_code=told.exit_code))
        return told.exit_code
    except AgentError as error:
        # Whoever asked looks into the journal, not at us.
        _refuse(journal, order.deploy_id, Refusal(message=error.message, hint=error.hint, exit_code=error.exit_code))
        raise
    except Exception as error:
        # One that has begun is started again, and goes on; one that has not would only fail likewise.
        if journal.read(order.deploy_id) is None:
            _refuse(journal, order.deploy_id, Refusal(message=f"a bug in the agent: {type(error).__name__}: {error}"))
        raise
    return 0 if record.end == End.DEPLOYED else 1


def _refuse(journal: Journal, deploy_id: str, refusal: Refusal) -> None:
    with suppress(DeployError):  # what it is about is the worse trouble
        journal.refuse(deploy_id, refusal)
