"""Counting TCP states in text and in messages."""

from __future__ import annotations

import errno
import struct
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.host.trees import TCP_HEADING, tcp_line, tcp_list
from vawsum_agent.metrics.host.sock_diag import count_block
from vawsum_agent.metrics.host.socket_states import V4_STATE_AT, V6_STATE_AT, TcpState, count_listed

states = st.lists(st.sampled_from(list(TcpState)), max_size=40)
DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)


def message(state: int, attributes: int = 0) -> bytes:
    """A socket as netlink tells it: a header, 72 bytes of which the second is the state, attributes."""
    body = bytes([2, state]) + b"\x0a" * (70 + attributes)
    return struct.pack("=IHHII", 16 + len(body), 18, 2, 1, 0) + body + b"\0" * (-len(body) % 4)


def refusal(number: int) -> bytes:
    """An error message."""
    return struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -number) + b"\0" * 16


@given(states, st.booleans(), st.sampled_from([0, 9_990, 99_990]))
def test_every_socket_of_a_list_is_counted(listed: list[TcpState], is_v6: bool, first: int) -> None:
    """However wide the lines' numbers are, and whatever numbers follow the state."""
    data = tcp_list([int(state) for state in listed], first=first, is_v6=is_v6)
    assert count_listed(data, V6_STATE_AT if is_v6 else V4_STATE_AT) == (Counter(listed), 0)


@given(st.binary(), st.sampled_from([V4_STATE_AT, V6_STATE_AT]))
def test_no_text_raises(data: bytes, state_at: int) -> None:
    """What is no line of a socket is counted as that."""
    counts, left_out = count_listed(TCP_HEADING + data, state_at)
    assert counts.total() + left_out == sum(1 for line in data.split(b"\n") if line)


def test_a_damaged_line_is_left_out_and_counted() -> None:
    """A state that has no name, a line cut short."""
    data = tcp_list([1, 6]) + tcp_line(2, 0x2F) + tcp_line(3, 10)[:20]
    assert count_listed(data, V4_STATE_AT) == (Counter({TcpState.ESTABLISHED: 1, TcpState.TIME_WAIT: 1}), 2)


@given(states, st.integers(0, 9))
def test_every_socket_of_a_block_is_counted(listed: list[TcpState], attributes: int) -> None:
    """Messages of any length, and the end of the list behind them."""
    data = b"".join(message(state, attributes) for state in listed)
    assert count_block(data + DONE) == (Counter(listed), 0, 0)
    if listed:
        assert count_block(data) == (Counter(listed), 0, None), "more is to come"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EPERM])
def test_a_refusal_carries_its_reason(number: int) -> None:
    """A kernel without INET_DIAG says ENOENT."""
    assert count_block(refusal(number)).ending == number


@given(st.one_of(st.binary(), st.binary().map(lambda data: message(1) + data)))
def test_no_block_raises(data: bytes) -> None:
    """And none keeps the reader waiting for an end that never comes: what is no answer ends the list."""
    block = count_block(data)
    assert block.ending is not None or len(data) >= len(message(1))
    assert block.counts.total() + block.unknown <= len(data) // 18


@pytest.mark.parametrize("length", [0, 15, 17, 89, 2**32 - 1])
def test_a_length_that_can_t_be_ends_the_list(length: int) -> None:
    """Neither an endless loop nor a socket made up from the bytes of others."""
    damaged = struct.pack("=I", length) + message(1)[4:]
    assert count_block(message(6) + damaged) == (Counter({TcpState.TIME_WAIT: 1}), 0, errno.EBADMSG)


def test_an_empty_block_is_no_answer() -> None:
    """A closed socket reads as nothing, for ever."""
    assert count_block(b"").ending == errno.EBADMSG


def test_ten_thousand_sockets_are_cheap() -> None:
    """Either way in a few milliseconds of a core."""
    text, block = tcp_list([1, 6] * 5000), message(1) * 5000 + message(6) * 5000
    for count in (lambda: count_listed(text, V4_STATE_AT), lambda: count_block(block)):
        took_s = min(_cpu_s(count) for _ in range(3))
        assert took_s < 0.03, "measured: 2 ms of text, 1.5 ms of messages"


def _cpu_s(work: object) -> float:
    assert callable(work)
    began = time.thread_time()
    work()
    return time.thread_time() - began
