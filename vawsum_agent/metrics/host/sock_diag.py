"""TCP sockets as netlink lists them (linux: inet_diag.h): thousands in a fifth of the time of ``/proc/net/tcp``.

Asks in the older of the kernel's two ways (TCPDIAG_GETSOCK): one pass over its table gives both families, where
SOCK_DIAG_BY_FAMILY takes two. Any user may ask, where the unit's RestrictAddressFamilies= leaves AF_NETLINK open and
the kernel has INET_DIAG.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections import Counter
from typing import NamedTuple

from vawsum_agent.metrics.host.socket_states import TcpState

_SOCK_DIAG_PROTOCOL = 4
_TCPDIAG_GETSOCK = 18
_DUMP_REQUEST = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=4x48xII")
"""``struct inet_diag_req``: no family, no address, no extension; the states; nothing of its database."""
_LENGTH_AND_KIND = struct.Struct("=IH")
_SOCKET = struct.Struct("=IH10xxB")
"""Length and kind of a message; behind the header the family, and the state."""
_ERROR = struct.Struct("=i")
# SYN_RECV has two numbers inside the kernel; one above 12 would add sockets that no other list shows.
_ALL_STATES = sum(1 << number for number in range(1, 13))
_ALIGNMENT = 4
_BLOCK_BYTES = 1 << 15
"""The kernel puts no more into one."""
_TIMEOUT_S = 2.0
_STATES = {int(state): state for state in TcpState}


class Block(NamedTuple):
    """What a block of messages held.

    Attributes:
        unknown: sockets in a state that has no name.
        ending: None when more is to come, 0 at the end of the list, else the errno of why there is no list.
    """

    counts: Counter[TcpState]
    unknown: int
    ending: int | None


def count_tcp_states() -> tuple[Counter[TcpState], int]:
    """Ask for all TCP sockets of both families.

    Returns:
        Counts, and how many sockets were in a state that has no name.

    Raises:
        OSError: netlink is closed to us, or the kernel has no INET_DIAG; asking again does not help.
    """
    counts: Counter[TcpState] = Counter()
    unknown = 0
    ending: int | None = None
    # A socket for each look: a kept one saves nothing, and might still hold the rest of a look that was broken off.
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG_PROTOCOL) as asked:
        asked.settimeout(_TIMEOUT_S)
        asked.send(_request())
        while ending is None:
            block = count_block(asked.recv(_BLOCK_BYTES))
            counts += block.counts
            unknown += block.unknown
            ending = block.ending
    if ending:
        raise OSError(ending, os.strerror(ending), "sock_diag")
    return counts, unknown


def count_block(data: bytes) -> Block:
    """Count the states in a block of the answer; what is no answer ends the list with EBADMSG."""
    found: list[int] = []
    at, end = 0, len(data)
    last = end - _SOCKET.size
    # Thousands of turns: names are local, and of a message only what is needed is looked at.
    message_at, add = _SOCKET.unpack_from, found.append
    while at <= last:
        length, kind, state = message_at(data, at)
        if kind != _TCPDIAG_GETSOCK or not _SOCKET.size <= length <= end - at:
            break
        add(state)
        at += (length + _ALIGNMENT - 1) & -_ALIGNMENT
    numbers = Counter(found)
    counts = Counter({state: numbers[number] for number, state in _STATES.items() if number in numbers})
    return Block(counts, numbers.total() - counts.total(), _ending(data[at:], is_start=at == 0))


def _ending(rest: bytes, *, is_start: bool) -> int | None:
    if not rest and not is_start:
        return None
    if len(rest) < _HEADER.size:
        return errno.EBADMSG
    _, kind = _LENGTH_AND_KIND.unpack_from(rest)
    if kind == _NLMSG_DONE:
        return 0
    if kind == _NLMSG_ERROR and len(rest) >= _HEADER.size + _ERROR.size:
        (negative,) = _ERROR.unpack_from(rest, _HEADER.size)
        return -negative if negative < 0 else errno.EBADMSG
    return errno.EBADMSG


def _request() -> bytes:
    body = _REQUEST.pack(_ALL_STATES, 0)
    return _HEADER.pack(_HEADER.size + len(body), _TCPDIAG_GETSOCK, _DUMP_REQUEST, 1, 0) + body
