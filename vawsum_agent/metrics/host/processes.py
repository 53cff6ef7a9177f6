"""Processes by state, and what each group of them uses: one pass over ``/proc/PID/stat``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.process_files import INIT
from vawsum_agent.metrics.host.process_stat import ProcessStat, parse_process_stat
from vawsum_agent.metrics.host.procstat import PROCSTAT_METRICS, Usage, cpu_readings
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vawsum_agent.metrics.host.groups import Groups
    from vawsum_agent.metrics.host.process_files import ProcessFiles
    from vawsum_agent.metrics.host.procstat import Scale

_STATES = {b"R": "running", b"S": "sleeping", b"D": "blocked", b"Z": "zombies", b"I": "idle"} | dict.fromkeys(
    (b"T", b"t"), "stopped"
)
_ENDED = frozenset((b"Z", b"X", b"x"))

STATE_METRICS: tuple[Metric, ...] = (
    Metric("processes_total", Unit.COUNT, "processes, those of the kernel included"),
    Metric("processes_running", Unit.COUNT, "processes that run or wait for a processor"),
    Metric("processes_sleeping", Unit.COUNT, "processes that wait for something to happen"),
    Metric("processes_blocked", Unit.COUNT, "processes that wait for a disk and can't be interrupted"),
    Metric("processes_idle", Unit.COUNT, "threads of the kernel without work"),
    Metric("processes_stopped", Unit.COUNT, "processes that were stopped, by a signal or a debugger"),
    Metric("processes_zombies", Unit.COUNT, "processes that ended and that their parent has not asked about"),
    Metric("processes_total_threads", Unit.COUNT, "threads of all processes"),
)
METRICS = STATE_METRICS + PROCSTAT_METRICS


class Processes(HostSource):
    """Every process of the host.

    Args:
        files: reads them.
        groups: which belong together.
        scale: what ticks and pages are.
    """

    name = "processes"
    metrics: Sequence[Metric] = METRICS

    def __init__(self, files: ProcessFiles, groups: Groups, scale: Scale) -> None:
        self._files = files
        self._groups = groups
        self._scale = scale
        self._parsed: dict[bytes, ProcessStat] = {}

    def collect(self) -> Collected:
        """Look at each. Raises AgentError when other users' processes are hidden: any count would be wrong."""
        states: Counter[str] = Counter()
        usages = {name: Usage() for name in self._groups.names}
        total = threads = left_out = 0
        is_everything_seen = False
        before, parsed = self._parsed, dict[bytes, ProcessStat]()
        for pid, data in self._files.read():
            # Most processes did nothing since the look before: a line that is the same says the same.
            stat = before.get(data) or parse_process_stat(data)
            if stat is None:
                left_out += 1
                continue
            parsed[data] = stat
            total += 1
            threads += stat.threads
            states[_STATES.get(stat.state, "other")] += 1
            is_everything_seen = is_everything_seen or pid == INIT
            if stat.state not in _ENDED:
                for name in self._groups.of(stat.command):
                    usages[name].add(pid, stat, self._scale)
        self._parsed = parsed
        if not is_everything_seen:
            raise AgentError(
                "processes of other users are hidden from the agent",
                hint="ProtectProc=default in the systemd unit, or no hidepid= on /proc, shows them",
            )
        counts = {"total": total, "total_threads": threads} | {name: states[name] for name in _STATES.values()}
        gauges = [Reading(f"processes_{name}", count) for name, count in counts.items()]
        counters: dict[str, float] = {}
        for name, usage in usages.items():
            gauges += usage.gauges(name)
            counters |= usage.counters(name)
        return Collected(gauges, counters, left_out)

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """Give what each group used of a core. A process that is new counts from the next look on."""
        return cpu_readings(increases, elapsed_s)

    def close(self) -> None:
        """Close the files of the processes. Never raises."""
        self._files.close()
