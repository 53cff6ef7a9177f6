"""How busy the processors are, all together: the share of their time in each state since the look before."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_DIMENSIONS = (("cpu", "cpu-total"),)
_HOLDERS = {"guest": "user", "guest_nice": "nice"}
"""What guests use is counted by the kernel in these states too."""
_STATES = {
    "user": "programs",
    "nice": "programs of lowered priority",
    "system": "the kernel",
    "idle": "nothing to do",
    "iowait": "nothing to do but wait for a disk",
    "irq": "hardware interrupts",
    "softirq": "the kernel's work after interrupts, such as receiving packets",
    "steal": "taken by the hypervisor for others; of a burstable instance without credits, too",
    "guest": "virtual machines",
    "guest_nice": "virtual machines of lowered priority",
}
_MOST_OF_ELAPSED = 1.5
"""Processors can't have spent much more time than has passed; the two clocks are not read at one moment."""


def _metric(state: str, meaning: str) -> Metric:
    return Metric(f"cpu_usage_{state}", Unit.PERCENT, meaning, ("cpu",), highest=100.0)


METRICS: tuple[Metric, ...] = (
    _metric("active", "share of processor time that is not idle; waiting for disks counts as active"),
    *(_metric(state, f"share of processor time: {meaning}") for state, meaning in _STATES.items()),
)


def _times() -> Mapping[str, float]:
    return psutil.cpu_times()._asdict()


class Processor(HostSource):
    """Times of all processors by state.

    Args:
        times: seconds since boot by state, as ``psutil.cpu_times`` tells them.
        processors: how many are running.
    """

    name = "processor"
    metrics: Sequence[Metric] = METRICS

    def __init__(
        self, times: Callable[[], Mapping[str, float]] = _times, processors: Callable[[], int | None] = os.cpu_count
    ) -> None:
        self._times = times
        self._processors = processors
        self._count = 1
        self._most: dict[str, float] = {}

    def collect(self) -> Collected:
        """Read the times."""
        self._count = self._processors() or 1
        times = self._times()
        # iowait and idle may go back a little (proc_stat(5)); taken for a new beginning, that would look like years.
        for state in _STATES:
            self._most[state] = max(self._most.get(state, 0.0), times.get(state, 0.0))
        return Collected(counters=dict(self._most))

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """Give shares in percent, by the CloudWatch agent's reckoning.

        Nothing where the processors would have spent more time than there was: a time went back across a restart.
        """
        if not all(state in increases for state in _STATES):
            return ()
        spent = {state: increases[state] for state in _STATES}
        for guest, holder in _HOLDERS.items():
            spent[holder] = max(0.0, spent[holder] - spent[guest])
        total = sum(spent.values())
        if not 0 < total <= _MOST_OF_ELAPSED * elapsed_s * self._count:
            return ()
        shares = {"active": total - spent["idle"], **spent}
        return [
            Reading(f"cpu_usage_{state}", min(100.0, 100.0 * seconds / total), _DIMENSIONS)
            for state, seconds in shares.items()
        ]
