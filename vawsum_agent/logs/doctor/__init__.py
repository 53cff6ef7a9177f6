"""What will go wrong with the logs, found without a running daemon; every finding has a remedy.

    access      globs that mean nothing, files and folders that can't be read
    contents    formats that don't match, timestamps in a wrong zone, too old or too new
    names       files that share a log stream, files that are followed twice
    logrotate/  settings that can lose lines
    host        file descriptors, inotify
    state       the store, dead letters
    aws         reachability, the clock, permissions, retention

`checks` runs all but `aws.aws`, which needs the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.logs.doctor.access import access
from vawsum_agent.logs.doctor.contents import contents
from vawsum_agent.logs.doctor.found import find
from vawsum_agent.logs.doctor.host import limits
from vawsum_agent.logs.doctor.logrotate.check import logrotate
from vawsum_agent.logs.doctor.names import names
from vawsum_agent.logs.doctor.state import state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.config.model import Config
    from vawsum_agent.core.eyes import Eyes
    from vawsum_agent.core.identity import Identity

__all__ = ["access", "checks"]


def checks(
    config: Config, identity: Identity, eyes: Eyes, *, daemon_pid: int | None, root: Path, now: float
) -> Iterator[Finding]:
    """Check what can be checked on this host.

    Args:
        config: with its ``[logs]``.
        identity: who this host is in AWS.
        eyes: as whom the daemon reads.
        daemon_pid: of the running daemon, if it runs.
        root: where ``etc/logrotate.conf`` is.
        now: the wall time in epoch seconds.
    """
    if config.logs is None:
        yield Finding(Severity.OK, "not configured", "[logs]")
        return
    yield from access(config.logs, eyes, daemon_pid)
    with eyes.looking():
        files = [file for source in config.logs.source for file in find(source)]
    yield from contents(files, eyes, now)
    yield from names(files, identity)
    yield from logrotate(files, eyes, root)
    yield from limits(files, daemon_pid)
    yield from state(config)
