"""Cutting: whole entries, as many as fit, and never an entry held for ever."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.logs.batch.cut import BLOCK_BYTES, cut_entries, cut_lines
from vawsum_agent.logs.batch.limits import (
    EVENT_OVERHEAD_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MAX_MESSAGE_BYTES,
)

START = re.compile(rb"(?m)^\[")
LENGTHS = st.lists(st.sampled_from([0, 1, 5, 189, 2000, 70_000, 400_000]), min_size=1, max_size=200)


@given(LENGTHS, st.binary(max_size=3), st.booleans())
def test_lines_are_whole_and_fit(lengths: list[int], rest: bytes, is_last: bool) -> None:
    """What is cut ends at a line end (or at the end, if no more comes) and fits one batch; something is always cut."""
    block = (b"".join(b"x" * length + b"\n" for length in lengths) + rest.replace(b"\n", b""))[:BLOCK_BYTES]
    cut = cut_lines(block, is_last=is_last)
    lines = block.count(b"\n", 0, cut)
    assert cut > 0 or (b"\n" not in block and not is_last)
    assert cut + (EVENT_OVERHEAD_BYTES - 1) * lines <= MAX_BATCH_BYTES
    assert lines <= MAX_BATCH_EVENTS
    assert block[cut - 1 : cut] == b"\n" or cut == 0 or (is_last and cut == len(block)) or cut == MAX_MESSAGE_BYTES


def test_many_short_lines_stop_at_the_limit_of_events() -> None:
    """No batch has more than 10,000 events."""
    assert cut_lines(b"a\n" * 30_000, is_last=False) <= 2 * MAX_BATCH_EVENTS


def test_unfinished_line_waits_until_it_fills_an_event() -> None:
    """A line without an end stays on the disk, then is cut at the limit of an event, between two characters."""
    assert cut_lines(b"x" * 1000, is_last=False) == 0
    assert cut_lines(b"x" * BLOCK_BYTES, is_last=False) == MAX_MESSAGE_BYTES
    cut = cut_lines("€".encode() * (BLOCK_BYTES // 3), is_last=False)
    assert 0 < MAX_MESSAGE_BYTES - cut < 4
    ("€".encode() * (BLOCK_BYTES // 3))[:cut].decode()


def test_last_entry_waits_for_the_next_one() -> None:
    """An entry may still grow until another starts, nothing came for a while, or no more comes."""
    block = b"[1] a\n more\n[2] b\n more\nunfinis"
    assert cut_entries(block, START, is_last=False, is_settled=False) == block.index(b"[2]")
    assert cut_entries(block, START, is_last=False, is_settled=True) == block.index(b"unfinis")
    assert cut_entries(block, START, is_last=True, is_settled=False) == len(block)
    assert cut_entries(b"[1] a\n more\n", START, is_last=False, is_settled=False) == 0


def test_entries_fit_one_batch() -> None:
    """What every entry costs besides its bytes is counted."""
    block = (b"[" + b"x" * 98 + b"\n") * 11_000
    block = block[:BLOCK_BYTES]
    for is_last in (False, True):
        cut = cut_entries(block, START, is_last=is_last, is_settled=True)
        entries = block.count(b"[", 0, cut)
        assert block[cut : cut + 1] == b"["
        assert cut + (EVENT_OVERHEAD_BYTES - 1) * entries <= MAX_BATCH_BYTES


def test_endless_entry_is_cut() -> None:
    """An entry longer than an event goes in pieces."""
    block = b"[1]" + b"x\n" * BLOCK_BYTES
    assert cut_entries(block[:BLOCK_BYTES], START, is_last=False, is_settled=False) == MAX_MESSAGE_BYTES
