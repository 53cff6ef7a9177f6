"""Disks and process groups that the configuration names and the host does not have."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.config.model import MetricsConfig
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_COMMAND = 15
"""The kernel keeps no more of a command's name (proc(5), comm)."""


def disks(metrics: MetricsConfig) -> Iterator[Finding]:
    """Check that each disk is a mount point."""
    for name in metrics.disks:
        if not Path(name).exists():
            remedy = "mount it, or take it out of metrics.disks"
            yield Finding(Severity.PROBLEM, "does not exist: nothing is measured", name, remedy)
        elif not os.path.ismount(name):
            mount = next(str(folder) for folder in Path(name).resolve().parents if os.path.ismount(folder))
            what = f"is no mount point: what is measured is the file system of {mount}, or a disk is not mounted"
            yield Finding(Severity.WARNING, what, name, f"mount it, or name {mount} in metrics.disks")
        else:
            yield Finding(Severity.OK, "is a mount point", name)


def process_groups(metrics: MetricsConfig, proc: Path = Path("/proc")) -> Iterator[Finding]:
    """Check that each group has a process; what the default groups name need not run on every host."""
    running = _commands(proc)
    defaults = MetricsConfig().process
    for group in metrics.process:
        where = f"process group {group.name}"
        count = sum(any(fnmatchcase(command, glob) for glob in group.commands) for command in running)
        if count:
            yield Finding(Severity.OK, f"{count} {'process' if count == 1 else 'processes'}", where)
        elif group in defaults:
            yield Finding(Severity.OK, "does not run here", where)
        else:
            what = f"no process is named {' or '.join(group.commands)}"
            yield Finding(Severity.WARNING, what, where, _remedy(group.commands))


def _remedy(commands: list[str]) -> str:
    long = next((name for name in commands if len(name) > _LONGEST_COMMAND and "*" not in name), None)
    if long is not None:
        return f"names end after {_LONGEST_COMMAND} characters: {long[:_LONGEST_COMMAND]}"
    return "start it, or correct commands: ps -eo comm shows the names"


def _commands(proc: Path) -> list[str]:
    found = []
    for folder in proc.glob("[0-9]*"):
        try:
            found.append((folder / "comm").read_text(errors="replace").rstrip("\n"))
        except OSError:
            continue  # it ended meanwhile
    return found
