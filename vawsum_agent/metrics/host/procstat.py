"""What a group of processes uses, under the names of the CloudWatch agent's procstat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Metric, Reading, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.metrics.host.process_stat import ProcessStat

_DIMENSIONS = ("process_name",)
PROCSTAT_METRICS: tuple[Metric, ...] = (
    Metric("procstat_lookup_pid_count", Unit.COUNT, "processes of the group; zombies don't count", _DIMENSIONS),
    Metric(
        "procstat_cpu_usage",
        Unit.PERCENT,
        "processor time of the group's processes, in percent of one core",
        _DIMENSIONS,
        highest=1e6,
    ),
    Metric(
        "procstat_memory_rss",
        Unit.BYTES,
        "resident memory of the group's processes; what they share counts for each",
        _DIMENSIONS,
    ),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """What the kernel counts in (sysconf(3): _SC_CLK_TCK, _SC_PAGESIZE)."""

    ticks_per_s: int
    page_bytes: int


@dataclass(slots=True)
class Usage:
    """A group at one moment.

    Attributes:
        cpu_s: by process. A sum would fall with each process that ends, and be taken for a new beginning.
    """

    pid_count: int = 0
    rss_bytes: int = 0
    cpu_s: dict[str, float] = field(default_factory=dict)

    def add(self, pid: str, stat: ProcessStat, scale: Scale) -> None:
        """Count a process in. Its start tells it from a later one with the same id."""
        self.pid_count += 1
        self.rss_bytes += stat.rss_pages * scale.page_bytes
        self.cpu_s[f"{pid}:{stat.started_ticks}"] = stat.cpu_ticks / scale.ticks_per_s

    def gauges(self, group: str) -> list[Reading]:
        """Give count and memory."""
        dimensions = ((_DIMENSIONS[0], group),)
        return [
            Reading("procstat_lookup_pid_count", self.pid_count, dimensions),
            Reading("procstat_memory_rss", self.rss_bytes, dimensions),
        ]

    def counters(self, group: str) -> dict[str, float]:
        """Give processor times, as `cpu_readings` expects them."""
        return {f"{group}:{process}": cpu_s for process, cpu_s in self.cpu_s.items()}


def cpu_readings(increases: Mapping[str, float], elapsed_s: float) -> list[Reading]:
    """Sum the increases of each group's processes; a group of which none was there before has no reading."""
    sums: dict[str, float] = {}
    for key, increase_s in increases.items():
        group = key.rsplit(":", 2)[0]
        sums[group] = sums.get(group, 0.0) + increase_s
    return [
        Reading("procstat_cpu_usage", 100.0 * cpu_s / elapsed_s, ((_DIMENSIONS[0], group),))
        for group, cpu_s in sums.items()
    ]
