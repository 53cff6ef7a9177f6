"""The option file by which the server is reached: whose it is, and whom it is closed to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.eyes import user_name
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.mysql.option_file import read_option_file

if TYPE_CHECKING:
    from collections.abc import Iterator


def option_file(path: str, state_dir: str) -> Iterator[Finding]:
    """Check it as far as it can be without the server.

    Args:
        path: of the file.
        state_dir: belongs to the user the daemon runs as.
    """
    try:
        client = read_option_file(path)
    except AgentError as error:
        yield Finding(Severity.PROBLEM, f"no backup can be made: {error.message}", path, error.hint)
        return
    daemon = _owner(state_dir)
    if client.owner == daemon:
        yield Finding(Severity.OK, f"can be read, and belongs to {user_name(client.owner)} alone", path)
        return
    owner, reader = user_name(client.owner), user_name(daemon)
    if client.owner == 0:
        # The daemon may read past file modes; the programs it starts, which read the file themselves, may not.
        what = f"belongs to {owner} alone: {reader}, as whom backups run, can't read it"
        yield Finding(Severity.PROBLEM, what, path, f"chown {reader} {path}")
        return
    what = f"belongs to {owner}, who can send the agent to another server; backups run as {reader}"
    yield Finding(Severity.WARNING, what, path, f"chown {reader} {path}")


def _owner(state_dir: str) -> int:
    try:
        return Path(state_dir).stat().st_uid
    except OSError:
        return os.geteuid()
