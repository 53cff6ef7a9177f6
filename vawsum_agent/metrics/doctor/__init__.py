"""What will go wrong with the metrics, found without a running daemon; every finding has a remedy.

pages   the status pages of Apache and PHP-FPM
mysql   the option file, the login, the grants
host    disks that are not mounted, process groups that mean nothing
aws     reachability, the clock, permission to publish

`checks` runs all but `aws.aws`, which needs the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.metrics.doctor.host import disks, process_groups
from vawsum_agent.metrics.doctor.mysql import mysql
from vawsum_agent.metrics.doctor.pages import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import Config

__all__ = ["access", "checks"]


def checks(config: Config) -> Iterator[Finding]:
    """Check what can be checked on this host: all that ``doctor`` runs. Takes seconds where a server hangs."""
    if config.metrics is None:
        yield Finding(Severity.OK, "not configured", "[metrics]")
        return
    yield from process_groups(config.metrics)
    yield from access(config)


def access(config: Config) -> Iterator[Finding]:
    """Check whether the configured disks and servers are there and let us in: what ``check-config --online`` runs."""
    if config.metrics is None:
        return
    yield from disks(config.metrics)
    yield from pages(config.metrics)
    if config.metrics.mysql is not None:
        yield from mysql(config.metrics.mysql.defaults_file, config.agent.state_dir)
