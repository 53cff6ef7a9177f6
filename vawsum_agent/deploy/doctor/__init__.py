"""What will go wrong with a deploy, found without one; every finding has a remedy.

place    whether root alone decides what lies below the application's path; the link; what the journal tells
reload   whether the commands are there
serving  whether the application answers here: its health check, and which release PHP serves
exposed  whether it hands out secrets
guard    whether anybody counts requests
aws      releases, secrets, and this host's place among its peers

`checks` runs all but `aws.aws`, which needs the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.deploy.doctor.exposed import exposed
from vawsum_agent.deploy.doctor.guard import guard
from vawsum_agent.deploy.doctor.place import place
from vawsum_agent.deploy.doctor.reload import commands
from vawsum_agent.deploy.doctor.serving import health, proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import DeployConfig, LogsConfig
    from vawsum_agent.core.finding import Finding
    from vawsum_agent.deploy.guard.source import TrafficSource

__all__ = ["access", "checks"]


def checks(deploy: DeployConfig, logs: LogsConfig | None, traffic: TrafficSource, now: float) -> Iterator[Finding]:
    """Check what can be checked on this host: all that ``doctor`` runs. Takes seconds where a server hangs.

    Args:
        deploy: the applications.
        logs: what the daemon reads; None for nothing.
        traffic: the daemon, asked as the guard asks it.
        now: the wall time in epoch seconds.
    """
    yield from access(deploy, now)
    for app in deploy.app:
        yield from commands(app)
        yield from guard(app, logs, traffic, now)


def access(deploy: DeployConfig, now: float) -> Iterator[Finding]:
    """Check whether the applications are there and answer: what ``check-config --online`` runs."""
    for app in deploy.app:
        yield from place(app, now)
        yield from health(app)
        yield from proof(app)
        yield from exposed(app)
