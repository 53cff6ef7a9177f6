"""Whether the running daemon sees the journals: its unit hides where applications lie, and root does not miss it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.deploy.confined import is_hidden, opening
from vawsum_agent.deploy.glance import journal_folder
from vawsum_agent.deploy.layout import AppFolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import DeployApp


def view(apps: Sequence[DeployApp], daemon_pid: int | None, proc: Path = Path("/proc")) -> Iterator[Finding]:
    """Look through the daemon's own root; says nothing where none runs, or it can't be looked through.

    Args:
        apps: the applications.
        daemon_pid: of the running daemon, if it runs.
        proc: where procfs is mounted.
    """
    process = proc / str(daemon_pid)
    if daemon_pid is None or not os.access(process / "root", os.R_OK | os.X_OK):
        return
    folders = {app.name: AppFolder(Path(app.path)) for app in apps}
    for name, folder in folders.items():
        journal = journal_folder(folder)
        is_seen = (process / "root" / str(journal).lstrip("/")).exists()
        if is_seen or not (journal.exists() or is_hidden(folder.path, process)):
            yield Finding(Severity.OK, "the daemon sees them, or will", f"deploys of {name}")
            continue
        what = "hidden from the daemon by its unit: no deploy shows, and no metric tells of one that failed"
        remedy = opening([each.path for each in folders.values()])
        yield Finding(Severity.PROBLEM, what, f"deploys of {name}", remedy)
