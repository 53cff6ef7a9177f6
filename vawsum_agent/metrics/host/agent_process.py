"""What the agent itself uses: a source of its own, since it sees itself even where all other processes are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.metric import Collected
from vawsum_agent.metrics.host.process_stat import parse_process_stat
from vawsum_agent.metrics.host.procstat import PROCSTAT_METRICS, Usage, cpu_readings
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from vawsum_agent.core.metric import Metric, Reading
    from vawsum_agent.metrics.host.procstat import Scale

GROUP = "vawsum-agent"


class AgentProcess(HostSource):
    """The daemon.

    Args:
        proc: where procfs is mounted.
        pid: of the daemon.
        scale: what ticks and pages are.
    """

    name = "agent-process"
    metrics: Sequence[Metric] = PROCSTAT_METRICS

    def __init__(self, proc: Path, pid: int, scale: Scale) -> None:
        self._path = proc / str(pid) / "stat"
        self._pid = str(pid)
        self._scale = scale

    def collect(self) -> Collected:
        """Look at itself. Raises AgentError when that is not what proc(5) says, OSError when it can't be read."""
        stat = parse_process_stat(self._path.read_bytes())
        if stat is None:
            raise AgentError(f"{self._path} is not as proc(5) says", hint="a defect: please report it")
        usage = Usage()
        usage.add(self._pid, stat, self._scale)
        return Collected(usage.gauges(GROUP), usage.counters(GROUP))

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """Give what it used of a core."""
        return cpu_readings(increases, elapsed_s)
