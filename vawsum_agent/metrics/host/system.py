"""Load, uptime and open files of the whole host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_UNLIMITED = 2**63 - 1
"""What ``fs.file-max`` says where systemd has lifted it."""

METRICS: tuple[Metric, ...] = (
    Metric("system_load1", Unit.NONE, "processes that run or wait for a processor or a disk, mean of a minute"),
    Metric("system_load5", Unit.NONE, "the same over 5 minutes"),
    Metric("system_load15", Unit.NONE, "the same over 15 minutes"),
    Metric("system_uptime", Unit.SECONDS, "since the host was booted"),
    Metric("linux_sysctl_fs_file_nr", Unit.COUNT, "files open on the whole host"),
    Metric("linux_sysctl_fs_file_max", Unit.COUNT, "files that may be open; not published where there is no limit"),
)


class System(HostSource):
    """Reads three small files.

    Args:
        proc: where procfs is mounted.
    """

    name = "system"
    metrics: Sequence[Metric] = METRICS

    def __init__(self, proc: Path) -> None:
        self._proc = proc

    def collect(self) -> Collected:
        """Read them. Raises AgentError when one is not what proc(5) says, OSError when it can't be read."""
        load1, load5, load15 = self._numbers("loadavg", 3)
        open_files, _free, most_files = self._numbers("sys/fs/file-nr", 3)
        (uptime_s,) = self._numbers("uptime", 1)
        gauges = [
            Reading("system_load1", load1),
            Reading("system_load5", load5),
            Reading("system_load15", load15),
            Reading("system_uptime", uptime_s),
            Reading("linux_sysctl_fs_file_nr", open_files),
        ]
        if most_files < _UNLIMITED:
            gauges.append(Reading("linux_sysctl_fs_file_max", most_files))
        return Collected(gauges)

    def _numbers(self, name: str, count: int) -> list[float]:
        path = self._proc / name
        try:
            numbers = [float(word) for word in path.read_bytes().split()[:count]]
        except ValueError:
            numbers = []
        if len(numbers) < count:
            raise AgentError(f"{path} does not begin with {count} numbers", hint="a defect: please report it")
        return numbers
