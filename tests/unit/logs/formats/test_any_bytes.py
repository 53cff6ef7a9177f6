"""What holds for every format and any bytes: no error, agreement of the two ways, time in proportion to the text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.logs.formats.making import a_format, entries, every_format
from tests.unit.logs.formats.test_samples import BLOCKS, SAMPLES

if TYPE_CHECKING:
    from vawsum_agent.logs.formats.format import Format

FORMATS = every_format("Europe/Berlin")
NOW = 1_795_428_000.0

# Pieces of real entries, put together at random, come nearer to the edges of a pattern than random bytes do.
PIECES = sorted(
    {entry for _, _, entry, _, _ in SAMPLES}
    | {text for *_, text, _ in SAMPLES}
    | {line for _, block in BLOCKS for entry in block for line in entry.splitlines(keepends=True)}
    | {b"[", b"] ", b'"', b"\n", b"\r\n", b"\0", b"\xff", b"# Time: ", b"# User@Host: ", b" ", b"<34>", b"{", b'{"ts":'}
)
hostile = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=12)), max_size=12).map(b"".join)
formats = st.sampled_from(FORMATS)
moments = st.one_of(st.none(), st.integers(-(10**15), 10**15))


def mutated(text: bytes, position: int, byte: int) -> bytes:
    """Replace one byte."""
    position %= len(text)
    return text[:position] + bytes([byte]) + text[position + 1 :]


@given(formats, hostile, moments)
def test_no_bytes_raise(log_format: Format, block: bytes, latest_ms: int | None) -> None:
    """Whatever a file holds, looking for times and reading them never fails."""
    for entry in [block, *entries(log_format, block)]:
        text = log_format.time_text(entry)
        for candidate in (text, entry, block[:30]):
            if candidate is not None:
                assert isinstance(log_format.time_ms(candidate, latest_ms, NOW), int | None)


@given(formats, st.sampled_from([text for *_, text, _ in SAMPLES]), st.integers(0, 99), st.integers(0, 255), moments)
def test_no_damaged_timestamp_raises(
    log_format: Format, text: bytes, position: int, byte: int, latest_ms: int | None
) -> None:
    """One byte of a real timestamp replaced: another time, or none."""
    assert isinstance(log_format.time_ms(mutated(text, position, byte), latest_ms, NOW), int | None)


@pytest.mark.parametrize("text", [b"9999-12-31T23:59:60Z", b"9999-12-31 23:59:60", b"0001-01-01 00:00:00"])
def test_the_ends_of_the_calendar_do_not_raise(text: bytes) -> None:
    """The first and the last second that a date can name."""
    for log_format in FORMATS:
        assert isinstance(log_format.time_ms(text, None, NOW), int | None)


@given(formats, hostile)
def test_the_two_ways_to_a_time_agree(log_format: Format, block: bytes) -> None:
    """As many matches in a block as entries: then they are the entries' own times, one each, in order."""
    if log_format.times is None:
        return
    if not block.endswith(b"\n"):
        block += b"\n"
    found = log_format.times.findall(block)
    cut = entries(log_format, block)
    assert len(found) <= len(cut)
    if len(found) == len(cut):
        assert found == [log_format.time_text(entry) for entry in cut]


@given(formats, hostile)
def test_entries_begin_at_line_starts_wherever_the_search_begins(log_format: Format, block: bytes) -> None:
    """A start is a property of its place, so blocks of any size cut a file into the same entries."""
    if log_format.start is None:
        return
    starts = [found.start() for found in log_format.start.finditer(block)]
    for start in starts:
        assert start == 0 or block[start - 1 : start] == b"\n"
        assert log_format.start.match(block, start)


SHAPES = [
    b"a",
    b"[",
    b'] "',
    b'\\"',
    b'"',
    b'""',
    b"[23/Nov/2026:10:00:00 +0000] ",
    b'[23/Nov/2026:10:00:00 +0000] \\" ',
    b"[Mon Nov 23 10:00:00.123456 2026",
    b"[23-Nov-2026 10:00:00 UTC",
    b"[23-Nov-2026 10:00:00] WARNING: [pool ",
    b"2026-11-23 10:00:00 ",
    b"261123 ",
    b"a, Version: ",
    b"# Time: ",
    b"#\n",
    b"use x;\n",
    b"# Time: 2026-11-23T10:00:00.000001Z\n",
    b"<34>",
    b'{"ts":',
    b'{"ts":1},',
    b"1",
    b"\n",
    b" ",
]


@pytest.mark.parametrize("log_format", FORMATS, ids=lambda log_format: log_format.name)
def test_hostile_lines_cost_time_in_proportion(log_format: Format) -> None:
    """A megabyte that repeats the beginning of a timestamp, or anything else, is done within a moment."""
    begun = time.process_time()
    for shape in SHAPES:
        block = shape * (1_000_000 // len(shape))
        for pattern in (log_format.start, log_format.times):
            if pattern is not None:
                pattern.findall(block)
        text = log_format.time_text(block)
        log_format.time_ms(block if text is None else text, None, NOW)
    assert time.process_time() - begun < 10.0, "24 MB; quadratic time would take hours"


def test_a_block_of_access_log_is_dated_quickly() -> None:
    """The bulk path: a mebibyte of access log in milliseconds, so that reading keeps up with 100 MB/s and more."""
    line = b'203.0.113.9 - - [23/Nov/2026:10:00:00 +0000] "GET /app/index.php?id=1 HTTP/1.1" 200 5123 "-" "%s"\n'
    block = (line % (b"x" * 90)) * 5500
    times = a_format("apache-access").times
    assert times is not None
    best_s = min(_seconds(lambda: times.findall(block)) for _ in range(5))
    assert best_s < 0.02, "measured: 1.3 ms on an idle core"


def _seconds(work: object) -> float:
    assert callable(work)
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
