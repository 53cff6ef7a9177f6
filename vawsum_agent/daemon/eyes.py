"""Finds out as whom the daemon reads: the one that runs, else the one that its unit would start."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from vawsum_agent.core.eyes import Eyes, user_name

_READS_ALL = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH (capabilities(7)): either reads past file modes."""

_UNIT = "vawsum-agent.service"
_UNIT_LIMIT_S = 5.0


def eyes_of_daemon(state_dir: Path, pid: int | None) -> Eyes:
    """Find out as whom the daemon reads.

    Args:
        state_dir: belongs to the daemon's user.
        pid: of the running daemon, if it runs.
    """
    if pid is not None:
        with contextlib.suppress(OSError, LookupError, ValueError):
            return _of_process(pid)
    try:
        uid = state_dir.stat().st_uid
    except OSError:
        uid = os.geteuid()
    return Eyes.of_user(uid, reads_all=_unit_reads_all(user_name(uid)))


def _of_process(pid: int) -> Eyes:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    uid, gid = int(values["Uid"].split()[1]), int(values["Gid"].split()[1])
    groups = tuple(int(group) for group in values["Groups"].split())
    return Eyes(user_name(uid), uid, gid, groups, reads_all=bool(int(values["CapEff"], 16) & _READS_ALL))


def _unit_reads_all(user: str) -> bool:
    """Whether systemd starts the daemon as this user with the capability to read every log."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return False
    command = [systemctl, "show", _UNIT, "--property=User", "--property=AmbientCapabilities"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_UNIT_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    values = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    return values.get("User") == user and "cap_dac_read_search" in values.get("AmbientCapabilities", "")
