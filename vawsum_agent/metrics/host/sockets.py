"""TCP connections by state, and UDP sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.host.socket_states import V4_STATE_AT, V6_STATE_AT, TcpState, count_listed, socket_lines
from vawsum_agent.metrics.host.source import HostSource

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vawsum_agent.core.clock import Clock

_SHARE = 0.001
"""Of a core; what the looks at many thousands of sockets may take on the whole."""
_MOST_PAUSE_S = 45.0
"""Each minute has a look."""

_MEANINGS = {
    TcpState.ESTABLISHED: "connections in use",
    TcpState.SYN_SENT: "connections that the host tries to open",
    TcpState.SYN_RECV: "connections that are being opened from outside",
    TcpState.FIN_WAIT1: "closed here, not confirmed yet",
    TcpState.FIN_WAIT2: "closed here, not by the other side yet",
    TcpState.TIME_WAIT: "closed, remembered for a minute in case packets come late",
    TcpState.CLOSE: "sockets that are not connected",
    TcpState.CLOSE_WAIT: "closed by the other side, not by the program here yet; many of them are a leak",
    TcpState.LAST_ACK: "closed by both, not confirmed yet",
    TcpState.LISTEN: "sockets that wait for connections",
    TcpState.CLOSING: "closed by both at the same time, not confirmed yet",
}
_UDP = "netstat_udp_socket"


def _name(state: TcpState) -> str:
    return f"netstat_tcp_{state.name.lower()}"


METRICS: tuple[Metric, ...] = (
    *(Metric(_name(state), Unit.COUNT, meaning) for state, meaning in _MEANINGS.items()),
    Metric(_UDP, Unit.COUNT, "UDP sockets"),
)


class Sockets(HostSource):
    """All sockets of the host, over IPv4 and IPv6.

    Args:
        proc: where procfs is mounted.
        ask_kernel: `sock_diag.count_tcp_states`; where it fails once, procfs is read from then on.
        clock: spaces looks that turn out dear.
        cpu_s: processor time of the calling thread.
    """

    name = "sockets"
    metrics: Sequence[Metric] = METRICS

    def __init__(
        self,
        proc: Path,
        ask_kernel: Callable[[], tuple[Counter[TcpState], int]],
        clock: Clock,
        cpu_s: Callable[[], float],
    ) -> None:
        self._net = proc / "net"
        self._ask_kernel = ask_kernel
        self._clock = clock
        self._cpu_s = cpu_s
        self._can_ask = True
        self._next_at = clock.monotonic()

    def collect(self) -> Collected:
        """Count; nothing while it pauses after a look that was dear. Raises OSError."""
        if self._clock.monotonic() < self._next_at:
            return Collected()
        began_s = self._cpu_s()
        counts, left_out = self._tcp()
        gauges = [Reading(_name(state), counts[state]) for state in TcpState]
        gauges.append(Reading(_UDP, sum(len(socket_lines(self._read(name))) for name in ("udp", "udp6"))))
        pause_s = min((self._cpu_s() - began_s) / _SHARE, _MOST_PAUSE_S)
        self._next_at = self._clock.monotonic() + pause_s
        return Collected(gauges, left_out=left_out)

    def _tcp(self) -> tuple[Counter[TcpState], int]:
        if self._can_ask:
            try:
                return self._ask_kernel()
            except OSError:
                # The unit or the kernel does not have it, and will not before a restart. The other way gives the same.
                self._can_ask = False
        v4, v4_left_out = count_listed(self._read("tcp"), V4_STATE_AT)
        v6, v6_left_out = count_listed(self._read("tcp6"), V6_STATE_AT)
        return v4 + v6, v4_left_out + v6_left_out

    def _read(self, name: str) -> bytes:
        """Read a list; a host without IPv6 has not all of them."""
        try:
            return (self._net / name).read_bytes()
        except FileNotFoundError:
            if name.endswith("6"):
                return b""
            raise
