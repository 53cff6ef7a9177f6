"""Disks and process groups that the configuration names and the host does not have."""

from __future__ import annotations

import os
import posixpath
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.config.model import MetricsConfig
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.metrics.host.mounts import parse_mounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

_LONGEST_COMMAND = 15
"""The kernel keeps no more of a command's name (proc(5), comm)."""


def disks(metrics: MetricsConfig, proc: Path = Path("/proc")) -> Iterator[Finding]:
    """Check that each disk is a mount point, by the list the daemon goes by; ``proc`` is where procfs is mounted."""
    mounts = {mount.path for mount in parse_mounts((proc / "self/mountinfo").read_bytes())}
    names = [*dict.fromkeys(map(posixpath.normpath, metrics.disks))]
    for name in names:
        if name in mounts:
            yield Finding(Severity.OK, "is a mount point", name)
            continue
        target = os.path.realpath(name)
        nearest = _nearest(target, mounts)
        if nearest == target:
            what, remedy = f"is a symbolic link to the mount {nearest}", f"name {nearest} in metrics.disks"
        else:
            kind = "is no mount point" if Path(name).exists() else "does not exist"
            what = f"{kind}; is it mounted? the nearest mount is {nearest}"
            instead = "take it out of metrics.disks" if nearest in names else f"name {nearest} in metrics.disks"
            remedy = f"mount it, or {instead}"
        yield Finding(Severity.WARNING, f"nothing is measured: it {what}", name, remedy)


def _nearest(path: str, mounts: AbstractSet[str]) -> str:
    """Find the mount that a path is on."""
    return next((folder for folder in (path, *map(str, Path(path).parents)) if folder in mounts), "/")


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
