"""States of TCP connections, and how ``/proc/net/tcp`` lists them (proc_pid_net(5)). Pure."""

from __future__ import annotations

from collections import Counter
from enum import IntEnum

V4_STATE_AT, V6_STATE_AT = 30, 78
"""How far behind the colon of the line's number the state stands, in ``/proc/net/tcp`` and in ``/proc/net/tcp6``."""


class TcpState(IntEnum):
    """By netstat's names, numbered as the kernel does (linux: include/net/tcp_states.h)."""

    ESTABLISHED = 1
    SYN_SENT = 2
    SYN_RECV = 3
    FIN_WAIT1 = 4
    FIN_WAIT2 = 5
    TIME_WAIT = 6
    CLOSE = 7
    CLOSE_WAIT = 8
    LAST_ACK = 9
    LISTEN = 10
    CLOSING = 11


_BY_TEXT = {b"%02X" % state: state for state in TcpState}


def count_listed(data: bytes, state_at: int) -> tuple[Counter[TcpState], int]:
    """Count the states in the text of ``/proc/net/tcp`` or ``tcp6``.

    Args:
        data: all of it.
        state_at: `V4_STATE_AT` or `V6_STATE_AT`.

    Returns:
        Counts, and how many lines were none of a socket.
    """
    # Of thousands of lines none is split or matched: between the number and the state all is of fixed width.
    found = Counter([line[(at := line.find(b":") + state_at) : at + 2] for line in socket_lines(data)])
    counts = Counter({state: found[text] for text, state in _BY_TEXT.items() if text in found})
    return counts, found.total() - counts.total()


def socket_lines(data: bytes) -> list[bytes]:
    """Give the lines of a list of sockets, without the heading."""
    return [line for line in data.split(b"\n")[1:] if line]
