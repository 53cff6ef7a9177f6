"""What disks read and wrote. Whole physical devices only, so that their sum is the host's.

Partitions, device mapper, RAID, loop and memory devices lie on other devices or on none, and would count twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_NO_DISKS = ("sr", "fd")
"""CD-ROM and floppy drives have a device behind them, too."""
_SECTOR_BYTES = 512
_LEAST_FIELDS = 14
_MOST_DIGITS = 20
_MOST_MS = 1e9
"""In a round: a device with a thousand requests under way at once, for five minutes, and more."""


def _metric(name: str, unit: Unit, meaning: str, highest: float = 1e15) -> Metric:
    return Metric(f"diskio_{name}", unit, meaning, ("name",), is_increase=True, highest=highest)


_IN_PROGRESS = "diskio_iops_in_progress"
METRICS: tuple[Metric, ...] = (
    _metric("reads", Unit.COUNT, "reads done"),
    _metric("writes", Unit.COUNT, "writes done"),
    _metric("read_bytes", Unit.BYTES, "bytes read"),
    _metric("write_bytes", Unit.BYTES, "bytes written"),
    _metric("read_time", Unit.MILLISECONDS, "what reads waited, all together", _MOST_MS),
    _metric("write_time", Unit.MILLISECONDS, "what writes waited, all together", _MOST_MS),
    _metric("io_time", Unit.MILLISECONDS, "how long anything was under way", _MOST_MS),
    Metric(_IN_PROGRESS, Unit.COUNT, "requests under way", ("name",)),
)


class DeviceTotals(NamedTuple):
    """A device's line of ``/proc/diskstats``."""

    name: str
    totals: Mapping[str, int]
    in_progress: int


def parse_diskstats(data: bytes) -> Iterator[DeviceTotals]:
    """Read ``/proc/diskstats`` (kernel: admin-guide/iostats). Lines that are none of it are skipped."""
    for line in data.split(b"\n"):
        fields = line.split()
        numbers = fields[3:_LEAST_FIELDS]
        if len(fields) < _LEAST_FIELDS or not all(_is_number(field) for field in numbers):
            continue
        reads, _, read_sectors, read_ms, writes, _, written_sectors, write_ms, in_progress, busy_ms, _ = map(
            int, numbers
        )
        totals = {
            "reads": reads,
            "writes": writes,
            "read_bytes": read_sectors * _SECTOR_BYTES,
            "write_bytes": written_sectors * _SECTOR_BYTES,
            "read_time": read_ms,
            "write_time": write_ms,
            "io_time": busy_ms,
        }
        yield DeviceTotals(fields[2].decode("ascii", "replace"), totals, in_progress)


class DiskIo(HostSource):
    """Every whole physical disk.

    Args:
        proc: where procfs is mounted.
        sys: where sysfs is mounted.
    """

    name = "diskio"
    metrics: Sequence[Metric] = METRICS
    # The times are unsigned 32-bit milliseconds; counts and sectors have 64 bits.
    wraps_at: float | None = float(2**32)

    def __init__(self, proc: Path, sys: Path) -> None:
        self._proc = proc
        self._sys = sys
        self._known: dict[str, bool] = {}

    def collect(self) -> Collected:
        """Read the totals. Raises OSError."""
        devices = [
            device
            for device in parse_diskstats((self._proc / "diskstats").read_bytes())
            if self._is_physical(device.name)
        ]
        gauges = [Reading(_IN_PROGRESS, device.in_progress, (("name", device.name),)) for device in devices]
        counters = {f"{device.name}:{name}": total for device in devices for name, total in device.totals.items()}
        return Collected(gauges, counters)

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:  # noqa: ARG002
        """Give the increases as they are."""
        readings = []
        for key, increase in increases.items():
            device, _, name = key.rpartition(":")
            readings.append(Reading(f"diskio_{name}", increase, (("name", device),)))
        return readings

    def _is_physical(self, name: str) -> bool:
        """Whether sysfs lists it as a whole device with hardware behind it."""
        known = self._known.get(name)
        if known is None:
            # sysfs writes "/" as "!" (cciss!c0d0).
            behind = self._sys / "block" / name.replace("/", "!") / "device"
            known = self._known[name] = not name.startswith(_NO_DISKS) and behind.exists()
        return known


def _is_number(field: bytes) -> bool:
    return field.isdigit() and len(field) <= _MOST_DIGITS
