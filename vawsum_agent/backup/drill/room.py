"""Whether a scratch server has room here: disk for all that is restored, and a share of the memory nobody uses."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.units import format_bytes

_GIB = 1 << 30
_MIB = 1 << 20

_SPARE_DISK_BYTES = _GIB
"""The server's own files, its log among them, and what the host goes on writing meanwhile."""

_SMALLEST_POOL_BYTES = 32 * _MIB
_LARGEST_POOL_BYTES = 2 * _GIB
_SERVER_BYTES = 128 * _MIB
"""What a server takes besides its buffer pool, with some connections that load."""

LEAST_MEMORY_BYTES = _SERVER_BYTES + _SMALLEST_POOL_BYTES
_SHARE = 4


def disk_needed_bytes(raw_bytes: int) -> int:
    """How much disk a restore takes.

    Tables with their indexes were once and a half to twice as large as the SQL they come from; indexes are built beside
    the table.

    Args:
        raw_bytes: of the dump, before compression.
    """
    return raw_bytes * 5 // 2 + _SPARE_DISK_BYTES


def pool_bytes(available_bytes: int) -> int:
    """How much of the memory that nobody uses is the scratch server's buffer pool: a quarter, and never too much."""
    share = (available_bytes - _SERVER_BYTES) // _SHARE
    return max(_SMALLEST_POOL_BYTES, min(_LARGEST_POOL_BYTES, share)) // _MIB * _MIB


@dataclass(frozen=True, slots=True)
class Room:
    """What there is.

    Attributes:
        directory: on whose disk the scratch server would live.
        disk_bytes: free for this user.
        memory_bytes: that can be had without taking it from anybody.
    """

    directory: str
    disk_bytes: int
    memory_bytes: int


def refusal(room: Room, raw_bytes: int, backup: str) -> BackupError | None:
    """Say why a backup can't be restored here; None where it can."""
    needed = disk_needed_bytes(raw_bytes)
    if room.disk_bytes < needed:
        what = f"a drill of {backup} needs {format_bytes(needed)} of disk below {room.directory}"
        hint = "free some, or set backup.drill.directory to a folder on a larger disk"
        return BackupError(f"{what}, and {format_bytes(room.disk_bytes)} are free", hint=hint)
    if room.memory_bytes < LEAST_MEMORY_BYTES:
        what = f"a scratch server needs {format_bytes(LEAST_MEMORY_BYTES)} of memory"
        hint = "run it when the host is less busy, or by hand on another host with the same configuration"
        return BackupError(f"{what}, and {format_bytes(room.memory_bytes)} can be had", hint=hint)
    return None


def look(directory: Path, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> Room:
    """Measure; a folder that is not there yet is measured where it will be made.

    Args:
        directory: where the scratch server is to live.
        proc: where procfs is mounted.
        cgroup: where the unified hierarchy is mounted (cgroups(7)); its limits count as well.
    """
    there = next(folder for folder in (directory, *directory.parents) if folder.exists())
    status = os.statvfs(there)
    memory = _available_bytes((proc / "meminfo").read_text())
    return Room(str(directory), status.f_bavail * status.f_frsize, min([memory, *_left_in_groups(proc, cgroup)]))


def _available_bytes(meminfo: str) -> int:
    lines = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    return int(lines["MemAvailable"].split()[0]) * 1024


def _left_in_groups(proc: Path, cgroup: Path) -> list[int]:
    """What the limits of our control group, and of those above it, leave; page cache that is not in use is no loss."""
    try:
        lines = (proc / "self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line.removeprefix("0::") for line in lines if line.startswith("0::")), None)
    if own is None:
        return []
    folder = cgroup / own.lstrip("/")
    found = []
    while folder != cgroup and cgroup in folder.parents:
        left = _left_in_group(folder)
        if left is not None:
            found.append(left)
        folder = folder.parent
    return found


def _left_in_group(folder: Path) -> int | None:
    try:
        limit = (folder / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((folder / "memory.current").read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return max(0, int(limit) - used + int(stat.get("inactive_file", 0)))
    except (OSError, ValueError):
        return None
