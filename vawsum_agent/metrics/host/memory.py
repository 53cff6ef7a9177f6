"""Memory and swap, by the reckoning of the CloudWatch agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MEMORY_METRICS: tuple[Metric, ...] = (
    Metric("mem_total", Unit.BYTES, "memory of the host"),
    Metric("mem_available", Unit.BYTES, "what programs could still get without swapping, by the kernel's estimate"),
    Metric("mem_available_percent", Unit.PERCENT, "mem_available of mem_total", highest=100.0),
    Metric("mem_used", Unit.BYTES, "mem_total less what is free, buffered and cached"),
    Metric("mem_used_percent", Unit.PERCENT, "mem_used of mem_total", highest=100.0),
    Metric("mem_free", Unit.BYTES, "used for nothing at all"),
    Metric("mem_cached", Unit.BYTES, "contents of files, tmpfs, and caches of the kernel that it can give back"),
    Metric("mem_buffered", Unit.BYTES, "blocks of disks"),
    Metric("mem_active", Unit.BYTES, "used not long ago"),
    Metric("mem_inactive", Unit.BYTES, "not used for a while: given back first"),
)
SWAP_METRICS: tuple[Metric, ...] = (
    Metric("swap_used", Unit.BYTES, "swap in use"),
    Metric("swap_free", Unit.BYTES, "swap that is left"),
    Metric("swap_used_percent", Unit.PERCENT, "swap_used of all swap; 0 where there is none", highest=100.0),
)
METRICS = MEMORY_METRICS + SWAP_METRICS


def _memory() -> Mapping[str, float]:
    return psutil.virtual_memory()._asdict()


def _swap() -> Mapping[str, float]:
    return psutil.swap_memory()._asdict()


class Memory(HostSource):
    """What ``psutil.virtual_memory`` and ``psutil.swap_memory`` tell.

    ``mem_used`` is not psutil's: that counts tmpfs in, and alarms that were tuned to the CloudWatch agent would go off.
    """

    name = "memory"
    metrics: Sequence[Metric] = METRICS

    def __init__(
        self,
        memory: Callable[[], Mapping[str, float]] = _memory,
        swap: Callable[[], Mapping[str, float]] = _swap,
    ) -> None:
        self._memory = memory
        self._swap = swap

    def collect(self) -> Collected:
        """Read both. Raises OSError."""
        memory, swap = self._memory(), self._swap()
        used = max(0.0, memory["total"] - memory["free"] - memory["buffers"] - memory["cached"])
        return Collected(
            [
                Reading("mem_total", memory["total"]),
                Reading("mem_available", memory["available"]),
                Reading("mem_available_percent", _percent(memory["available"], memory["total"])),
                Reading("mem_used", used),
                Reading("mem_used_percent", _percent(used, memory["total"])),
                Reading("mem_free", memory["free"]),
                Reading("mem_cached", memory["cached"]),
                Reading("mem_buffered", memory["buffers"]),
                Reading("mem_active", memory["active"]),
                Reading("mem_inactive", memory["inactive"]),
                Reading("swap_used", swap["used"]),
                Reading("swap_free", swap["free"]),
                Reading("swap_used_percent", _percent(swap["used"], swap["total"])),
            ]
        )


def _percent(part: float, whole: float) -> float:
    return 100.0 * part / whole if whole else 0.0
