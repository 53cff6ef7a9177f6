"""The source of socket counts."""

from __future__ import annotations

import errno
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.unit.metrics.host.trees import TCP_HEADING, tcp_list, write
from vawsum_agent.metrics.host.socket_states import TcpState
from vawsum_agent.metrics.host.sockets import Sockets

if TYPE_CHECKING:
    from pathlib import Path

FILES: dict[str, str | bytes] = {
    "net/tcp": tcp_list([1, 1, 10, 6]),
    "net/tcp6": tcp_list([1, 10], is_v6=True),
    "net/udp": TCP_HEADING + b"x\n" * 3,
    "net/udp6": TCP_HEADING + b"x\n",
}


class Hands:
    """Both clocks, and a kernel that answers or does not."""

    def __init__(self, *, does_answer: bool = True) -> None:
        self.at = 1000.0
        self.spent_s = 0.0
        self.cost_s = 0.001
        self.asked = 0
        self.does_answer = does_answer

    def now(self) -> float:
        """Wall time."""
        return self.at

    def monotonic(self) -> float:
        """Time that only grows."""
        return self.at

    def cpu_s(self) -> float:
        """Each look at it costs what a look at all sockets does."""
        self.spent_s += self.cost_s
        return self.spent_s

    def ask(self) -> tuple[Counter[TcpState], int]:
        """Answer as the kernel."""
        self.asked += 1
        if not self.does_answer:
            raise OSError(errno.EAFNOSUPPORT, "no netlink")
        return Counter({TcpState.ESTABLISHED: 7}), 0


def values(source: Sockets) -> dict[str, float]:
    """Values by name."""
    return {reading.name: reading.value for reading in source.collect().gauges}


def a_source(proc: Path, hands: Hands) -> Sockets:
    """A source in those hands."""
    return Sockets(proc, hands.ask, hands, hands.cpu_s)


def test_states_come_from_the_kernel_and_missing_ones_are_zero(tmp_path: Path) -> None:
    """An alarm on CLOSE_WAIT needs its zeros."""
    found = values(a_source(write(tmp_path, FILES), Hands()))
    assert found["netstat_tcp_established"] == 7
    assert found["netstat_tcp_close_wait"] == 0
    assert found["netstat_udp_socket"] == 4
    assert len(found) == 12


def test_where_netlink_is_closed_procfs_says_the_same(tmp_path: Path) -> None:
    """Both families added up; and netlink is not asked again and again."""
    hands = Hands(does_answer=False)
    source = a_source(write(tmp_path, FILES), hands)
    for _ in range(3):
        found = values(source)
        hands.at += 60
    assert (found["netstat_tcp_established"], found["netstat_tcp_listen"], found["netstat_tcp_time_wait"]) == (3, 2, 1)
    assert hands.asked == 1


def test_a_host_without_ipv6_is_counted(tmp_path: Path) -> None:
    """Booted with ipv6.disable=1, tcp6 and udp6 are missing."""
    files = {name: content for name, content in FILES.items() if not name.endswith("6")}
    found = values(a_source(write(tmp_path, files), Hands(does_answer=False)))
    assert (found["netstat_tcp_established"], found["netstat_udp_socket"]) == (2, 3)


def test_without_any_list_the_source_is_down(tmp_path: Path) -> None:
    """No zeros are made up."""
    with pytest.raises(OSError, match="tcp"):
        a_source(tmp_path, Hands(does_answer=False)).collect()


def test_a_dear_look_is_followed_by_a_pause(tmp_path: Path) -> None:
    """A look that takes 30 ms of a core is not repeated for 30 s, and a minute has a look however dear it is."""
    hands = Hands()
    source = a_source(write(tmp_path, FILES), hands)
    for cost_s, pause_s in ((0.001, 1.0), (0.03, 30.0), (2.0, 45.0)):
        hands.cost_s = cost_s
        assert values(source)
        hands.at += pause_s - 0.1
        assert not values(source)
        hands.at += 0.2
    assert values(source)
