"""Builds the sources of the host from the configuration."""

from __future__ import annotations

import os
import posixpath
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.metrics.host.agent_process import AgentProcess
from vawsum_agent.metrics.host.disk import METRICS as DISK_METRICS
from vawsum_agent.metrics.host.disk import Disk
from vawsum_agent.metrics.host.diskio import METRICS as DISKIO_METRICS
from vawsum_agent.metrics.host.diskio import DiskIo
from vawsum_agent.metrics.host.groups import Groups
from vawsum_agent.metrics.host.memory import METRICS as MEMORY_METRICS
from vawsum_agent.metrics.host.memory import Memory
from vawsum_agent.metrics.host.network import METRICS as NETWORK_METRICS
from vawsum_agent.metrics.host.network import Network
from vawsum_agent.metrics.host.process_files import ProcessFiles
from vawsum_agent.metrics.host.processes import METRICS as PROCESSES_METRICS
from vawsum_agent.metrics.host.processes import Processes
from vawsum_agent.metrics.host.processor import METRICS as PROCESSOR_METRICS
from vawsum_agent.metrics.host.processor import Processor
from vawsum_agent.metrics.host.procstat import Scale
from vawsum_agent.metrics.host.sock_diag import count_tcp_states
from vawsum_agent.metrics.host.sockets import METRICS as SOCKETS_METRICS
from vawsum_agent.metrics.host.sockets import Sockets
from vawsum_agent.metrics.host.system import METRICS as SYSTEM_METRICS
from vawsum_agent.metrics.host.system import System

if TYPE_CHECKING:
    from vawsum_agent.config.model import MetricsConfig
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.metric import Metric, MetricSource

METRICS: tuple[Metric, ...] = (
    *PROCESSOR_METRICS,
    *SYSTEM_METRICS,
    *MEMORY_METRICS,
    *DISK_METRICS,
    *DISKIO_METRICS,
    *NETWORK_METRICS,
    *SOCKETS_METRICS,
    *PROCESSES_METRICS,
)
"""Everything that the sources of the host may give, each once."""

_MOST_OPEN = 512
_SHARE_OF_FILES = 16
"""Of those that this process may open, so many times less stay open here: log files come first."""


def host_sources(
    config: MetricsConfig, clock: Clock | None = None, proc: Path = Path("/proc"), sys: Path = Path("/sys")
) -> list[MetricSource]:
    """Build them all; nothing is read yet.

    Args:
        config: its ``disks`` and ``process``.
        clock: the machine's own unless given.
        proc: where procfs is mounted.
        sys: where sysfs is mounted.
    """
    most_open = min(_MOST_OPEN, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE_OF_FILES)
    scale = Scale(ticks_per_s=os.sysconf("SC_CLK_TCK"), page_bytes=os.sysconf("SC_PAGE_SIZE"))
    return [
        Processor(),
        System(proc),
        Memory(),
        *(Disk(path, proc, sys) for path in dict.fromkeys(map(posixpath.normpath, config.disks))),
        DiskIo(proc, sys),
        Network(),
        Sockets(proc, count_tcp_states, clock or SystemClock(), time.thread_time),
        Processes(ProcessFiles(proc, most_open), Groups(config.process), scale),
        AgentProcess(proc, os.getpid(), scale),
    ]
