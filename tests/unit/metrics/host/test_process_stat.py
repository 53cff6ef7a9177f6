"""Reading a process's line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.host.trees import stat_line
from vawsum_agent.metrics.host.process_stat import parse_process_stat

NASTY = [b"a b", b"a) S 1 1", b"(", b")", b") R (", b"a\nb", b"\xff\xfe", b"", b"1 (x) Z 0"]


@pytest.mark.parametrize("command", NASTY)
def test_any_name_is_read(command: bytes) -> None:
    """Programs name themselves as they like (prctl(2), PR_SET_NAME): spaces, parentheses, newlines."""
    line = stat_line(7, command, "R", ticks=(30, 12), threads=4, started=99, rss=250)
    assert parse_process_stat(line) == (command, b"R", 42, 4, 99, 250)


@given(st.binary(max_size=15))
def test_every_name_is_read(command: bytes) -> None:
    """As above, for any bytes."""
    stat = parse_process_stat(stat_line(7, command))
    assert stat is not None
    assert (stat.command, stat.state) == (command, b"S")


@given(
    st.one_of(
        st.binary(), st.lists(st.sampled_from([b"1 (", b") S", b" 1" * 20, b" -1", b" " + b"9" * 40])).map(b"".join)
    )
)
def test_no_bytes_raise(data: bytes) -> None:
    """What is no such line is none, and what is read is in range."""
    stat = parse_process_stat(data)
    assert stat is None or all(0 <= number < 10**21 for number in stat[2:])


@given(st.integers(0, 200), st.integers(0, 255))
def test_no_damaged_line_raises(position: int, byte: int) -> None:
    """One byte of a real line replaced."""
    line = bytearray(stat_line(7))
    line[position % len(line)] = byte
    parse_process_stat(bytes(line))


def test_a_number_that_no_kernel_writes_is_none() -> None:
    """Converted and divided, it would overflow."""
    assert parse_process_stat(stat_line(7, rss=10**400)) is None


def test_a_line_cut_short_is_none() -> None:
    """Half a line is not half the truth."""
    line = stat_line(7)
    assert parse_process_stat(line[:60]) is None
    assert parse_process_stat(b"") is None
