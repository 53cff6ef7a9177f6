"""What came in and went out, interface by interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_INNER = ("veth", "docker", "br-", "virbr", "vnet", "cni", "cali", "flannel", "lxc", "lxd", "ifb", "dummy")
"""Interfaces between parts of this host: what they carry either never leaves it or is counted where it does."""


def _metric(name: str, unit: Unit, meaning: str) -> Metric:
    return Metric(f"net_{name}", unit, meaning, ("interface",), is_increase=True)


METRICS: tuple[Metric, ...] = (
    _metric("bytes_recv", Unit.BYTES, "bytes received"),
    _metric("bytes_sent", Unit.BYTES, "bytes sent"),
    _metric("packets_recv", Unit.COUNT, "packets received"),
    _metric("packets_sent", Unit.COUNT, "packets sent"),
    _metric("err_in", Unit.COUNT, "packets received broken"),
    _metric("err_out", Unit.COUNT, "packets that could not be sent"),
    _metric("drop_in", Unit.COUNT, "packets received and thrown away, mostly for want of room"),
    _metric("drop_out", Unit.COUNT, "packets thrown away before they were sent"),
)
_TOTALS = {
    "bytes_recv": "bytes_recv",
    "bytes_sent": "bytes_sent",
    "packets_recv": "packets_recv",
    "packets_sent": "packets_sent",
    "err_in": "errin",
    "err_out": "errout",
    "drop_in": "dropin",
    "drop_out": "dropout",
}
"""Our name → psutil's."""


def _interfaces() -> Mapping[str, Mapping[str, float]]:
    # Its own smoothing of wraps is off: what a smaller total means is the round's to settle, across restarts too.
    totals = psutil.net_io_counters(pernic=True, nowrap=False)
    return {interface: counters._asdict() for interface, counters in totals.items()}


class Network(HostSource):
    """Every interface that leads out of the host and has ever carried a packet.

    Args:
        interfaces: totals by interface, as ``psutil.net_io_counters`` tells them.
    """

    name = "network"
    metrics: Sequence[Metric] = METRICS

    def __init__(self, interfaces: Callable[[], Mapping[str, Mapping[str, float]]] = _interfaces) -> None:
        self._interfaces = interfaces

    def collect(self) -> Collected:
        """Read the totals. Raises OSError."""
        return Collected(
            counters={
                f"{_shown(interface)}:{name}": totals[theirs]
                for interface, totals in self._interfaces().items()
                if _leads_out(interface) and any(totals.values())
                for name, theirs in _TOTALS.items()
            }
        )

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:  # noqa: ARG002
        """Give the increases as they are."""
        readings = []
        for key, increase in increases.items():
            # The name of an alias has a colon of its own: eth0:1.
            interface, _, name = key.rpartition(":")
            readings.append(Reading(f"net_{name}", increase, (("interface", interface),)))
        return readings


def _shown(interface: str) -> str:
    """Make the name text that can be stored: the kernel allows any bytes in it, which psutil hands on as they are."""
    return interface.encode("utf-8", "replace").decode()


def _leads_out(interface: str) -> bool:
    return interface != "lo" and not interface.startswith(_INNER)
