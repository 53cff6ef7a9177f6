"""Space and inodes of one mounted file system. One source a mount: a dead network disk holds up no other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.mounts import parse_mounts
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.metrics.host.mounts import Mount

_DIMENSIONS = ("path", "fstype", "device")
_COVERS = "tmpfs"
_STAND_INS = ("/dev/root", "/dev/mapper/")
"""Sources that are no device's name; sysfs knows it."""


def _metric(name: str, unit: Unit, meaning: str, highest: float = 1e18) -> Metric:
    return Metric(f"disk_{name}", unit, meaning, _DIMENSIONS, highest=highest)


METRICS: tuple[Metric, ...] = (
    _metric("total", Unit.BYTES, "size of the file system"),
    _metric("used", Unit.BYTES, "what is taken"),
    _metric("free", Unit.BYTES, "what programs can still take: without the blocks that are kept back for root"),
    _metric("used_percent", Unit.PERCENT, "disk_used of disk_used + disk_free, as df(1) shows it", 100.0),
    _metric("inodes_total", Unit.COUNT, "inodes; not published where they are made as needed (btrfs)"),
    _metric("inodes_used", Unit.COUNT, "inodes that are taken"),
    _metric("inodes_free", Unit.COUNT, "inodes that are left"),
)


class Disk(HostSource):
    """One mount point of ``metrics.disks``.

    Args:
        path: the mount point, without a slash at its end.
        proc: where procfs is mounted.
        sys: where sysfs is mounted.
        statvfs: statvfs(3).
    """

    metrics: Sequence[Metric] = METRICS

    def __init__(
        self, path: str, proc: Path, sys: Path, statvfs: Callable[[str], os.statvfs_result] = os.statvfs
    ) -> None:
        self._path = path
        self._proc = proc
        self._sys = sys
        self._statvfs = statvfs
        self.name = f"disk:{self._path}"

    def collect(self) -> Collected:
        """Look. Raises AgentError when nothing is mounted there or it is hidden, OSError; a dead server hangs it."""
        mounts = parse_mounts((self._proc / "self/mountinfo").read_bytes())
        mount, seen_at = self._find(mounts)
        # The one call here that may hang.
        usage = self._statvfs(seen_at)
        if not usage.f_blocks:
            raise AgentError(
                f"disk {self._path}: {mount.fstype} has no size", hint="take it out of metrics.disks: it is no disk"
            )
        used, free = usage.f_blocks - usage.f_bfree, usage.f_bavail
        values = {
            "total": usage.f_blocks * usage.f_frsize,
            "used": used * usage.f_frsize,
            "free": free * usage.f_frsize,
            "used_percent": 100.0 * used / (used + free) if used + free else 0.0,
        }
        if usage.f_files:
            values |= {
                "inodes_total": usage.f_files,
                "inodes_used": usage.f_files - usage.f_ffree,
                "inodes_free": usage.f_ffree,
            }
        dimensions = (("path", self._path), ("fstype", _plain(mount.fstype)), ("device", self._device(mount)))
        return Collected([Reading(f"disk_{name}", value, dimensions) for name, value in values.items()])

    def _find(self, mounts: Sequence[Mount]) -> tuple[Mount, str]:
        """Give the mount, and a path at which its file system can be seen."""
        here = [mount for mount in mounts if mount.path == self._path]
        if not here:
            raise AgentError(
                f"disk {self._path}: nothing is mounted there", hint="mount it, or take it out of metrics.disks"
            )
        top = here[-1]
        # The unit's sandbox lays empty file systems over folders it hides; their size would pass for the disk's.
        is_covered = top.is_cover or (top.fstype == _COVERS and len(here) > 1 and here[-2].fstype != _COVERS)
        if not is_covered:
            return top, self._path
        beneath = next((mount for mount in reversed(here[:-1]) if not mount.is_cover), None)
        for other in mounts:
            if beneath is not None and other.device_id == beneath.device_id and _is_visible(other):
                return beneath, other.path
        raise AgentError(
            f"disk {self._path}: the systemd unit hides it from the agent",
            hint="a drop-in with BindReadOnlyPaths= that shows one of its folders elsewhere is enough to measure it",
        )

    def _device(self, mount: Mount) -> str:
        """Name the device as the CloudWatch agent does: ``nvme0n1p1``, ``dm-0``."""
        if mount.source.startswith(_STAND_INS):
            try:
                return (self._sys / "dev/block" / mount.device_id).readlink().name
            except OSError:
                pass  # btrfs has no device number; a container may have no sysfs: the stand-in has to do
        name = mount.source.removeprefix("/dev/")
        return _plain(name) or _plain(mount.fstype)


def _plain(name: str) -> str:
    """Make a name ASCII: whoever mounts a file system in user space puts any bytes into its names."""
    return name.encode("ascii", "replace").decode("ascii")


def _is_visible(mount: Mount) -> bool:
    try:
        device = Path(mount.path).stat().st_dev
    except OSError:
        return False
    return f"{os.major(device)}:{os.minor(device)}" == mount.device_id
