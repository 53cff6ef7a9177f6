"""As whom the daemon reads: a file that root can read need not be one that the daemon can."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_READS_ALL = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH (capabilities(7)): either reads past file modes."""

_UNIT = "vawsum-agent.service"
_UNIT_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Eyes:
    """A user with its groups.

    Attributes:
        reads_all: file modes don't matter to it.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    reads_all: bool = False

    @property
    def can_be_used(self) -> bool:
        """Whether this process can look as that user would."""
        own = os.geteuid()
        return own == 0 or (own == self.uid and not self.reads_all)

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """See files as that user does, where this process can; else as this process does."""
        if os.geteuid() != 0 or self.reads_all or self.uid == 0:
            yield
            return
        gid, groups = os.getegid(), os.getgroups()
        try:
            os.setgroups(self.groups)
            os.setegid(self.gid)
            os.seteuid(self.uid)
            yield
        finally:
            os.seteuid(0)
            os.setegid(gid)
            os.setgroups(groups)

    def may_read(self, mode: int, uid: int, gid: int) -> bool:
        """Whether a file of this mode and owner would be readable (path_resolution(7); no access control lists)."""
        if self.reads_all or self.uid == 0:
            return True
        if uid == self.uid:
            return bool(mode & 0o400)
        if gid == self.gid or gid in self.groups:
            return bool(mode & 0o040)
        return bool(mode & 0o004)


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
    return _of_user(uid)


def _of_process(pid: int) -> Eyes:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    uid, gid = int(values["Uid"].split()[1]), int(values["Gid"].split()[1])
    groups = tuple(int(group) for group in values["Groups"].split())
    return Eyes(_name(uid), uid, gid, groups, reads_all=bool(int(values["CapEff"], 16) & _READS_ALL))


def _of_user(uid: int) -> Eyes:
    name = _name(uid)
    try:
        gid = pwd.getpwuid(uid).pw_gid
        groups = tuple(os.getgrouplist(name, gid))
    except KeyError:
        gid, groups = os.getegid(), tuple(os.getgroups())
    return Eyes(name, uid, gid, groups, reads_all=uid == 0 or _unit_reads_all(name))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


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
