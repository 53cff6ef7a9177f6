"""Limits of this host that a thousand files meet."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.logs.follow.wake import MOST_FOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.logs.doctor.found import LogFile

_BESIDE_LOGS = 128
"""Sockets to AWS, the store, libraries."""

_DESCRIPTORS_A_FILE = 3
"""The live file, its rotated predecessor until that is read, and a second look into either."""

_INOTIFY = Path("/proc/sys/fs/inotify")


def limits(files: Sequence[LogFile], daemon_pid: int | None) -> Iterator[Finding]:
    """Compare the number of files with what the daemon may open and watch."""
    yield _descriptors(len({file.path for file in files}), daemon_pid)
    yield _watches(len({str(Path(file.path).parent) for file in files}))


def _descriptors(files: int, daemon_pid: int | None) -> Finding:
    limit, whose = _limit_of(daemon_pid), "the daemon's limit" if daemon_pid is not None else "this user's limit"
    needed = files * _DESCRIPTORS_A_FILE + _BESIDE_LOGS
    what = f"{whose} of open files is {limit}; {files} followed files may need {needed}"
    if limit >= needed:
        return Finding(Severity.OK, what, "RLIMIT_NOFILE")
    severity = Severity.PROBLEM if limit < files + _BESIDE_LOGS else Severity.WARNING
    return Finding(severity, what, "RLIMIT_NOFILE", "raise LimitNOFILE of vawsum-agent.service")


def _limit_of(pid: int | None) -> int:
    if pid is not None:
        try:
            lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii").splitlines()
            (row,) = [line.split() for line in lines if line.startswith("Max open files")]
            return int(row[3])
        except (OSError, ValueError):
            pass
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return 1 << 30 if hard == resource.RLIM_INFINITY else hard


def _watches(folders: int) -> Finding:
    """Each watched folder is an inotify instance of its own (watchdog); without one the scan alone notices."""
    needed = min(folders, MOST_FOLDERS)
    limits = {name: _inotify_limit(name) for name in ("max_user_instances", "max_user_watches")}
    for name, limit in limits.items():
        if limit is not None and limit < needed:
            what = f"fs.inotify.{name} is {limit}, {needed} folders are watched: new lines are noticed a little later"
            return Finding(Severity.WARNING, what, str(_INOTIFY / name), f"sysctl -w fs.inotify.{name}={needed * 4}")
    return Finding(Severity.OK, f"inotify allows watching {needed} folder{'' if needed == 1 else 's'}", str(_INOTIFY))


def _inotify_limit(name: str) -> int | None:
    try:
        return int((_INOTIFY / name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
