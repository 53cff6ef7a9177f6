"""Stamping: the entry's own time, whichever way it is found; else the rules for entries without one."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.config.model import FormatName, LogSource
from vawsum_agent.logs.batch.layout import TOO_OLD_MS, Layout
from vawsum_agent.logs.batch.stamp import Stamper
from vawsum_agent.logs.batch.trim import trim_to_whole_seconds
from vawsum_agent.logs.formats.registry import make_format

BASE = 1_790_000_000
READ_AT = BASE + 5000.5


def stamper(name: FormatName = "apache-access") -> Stamper:
    """Make a stamper of a format."""
    return Stamper(make_format(LogSource(name="x", paths=["/x"], format=name)))


def access(second: int, rest: str = "") -> bytes:
    """Write an access log line."""
    at = datetime.fromtimestamp(BASE + second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'10.0.0.1 - - [{at}] "GET /{rest} HTTP/1.1" 200 5\n'.encode()


def expand(block: bytes, layout: Layout) -> list[tuple[bytes, int]]:
    """Give each line the time of its run."""
    lines = []
    position = 0
    for length, time_ms in layout.runs:
        run = block[position : position + length]
        lines += [(line + b"\n", time_ms) for line in run.split(b"\n")[:-1]]
        position += length
    assert position == len(block)
    return lines


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.integers(1, 40),
            st.sampled_from(["", "[29/Nov/2026:10:00:00 +0000] ", '[21/Sep/2026:14:13:20 +0000] \\"', "x" * 90]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.booleans(),
    st.lists(st.integers(0, 200), max_size=3),
)
def test_every_line_gets_its_own_time(
    groups: list[tuple[int, int, str]],
    in_order: bool,
    junk: list[int],
) -> None:
    """In order or not, with lines without a time in between: each has the time it states, else that of reading."""
    if in_order:
        groups = sorted(groups)
    lines = [(access(second, rest), (BASE + second) * 1000) for second, count, rest in groups for _ in range(count)]
    for place in junk:
        lines.insert(place % (len(lines) + 1), (b"garbage\n", int(READ_AT * 1000)))
    block = b"".join(line for line, _ in lines)
    assert expand(block, stamper().layout(block, READ_AT, counts_too_old=False)) == lines


def test_times_in_the_request_do_not_count() -> None:
    """Only the log's own place for the time is looked at, whatever a client sends."""
    hostile = access(1, "[01/Jan/2000:00:00:00 +0000]")
    block = hostile * 500
    layout = stamper().layout(block, READ_AT, counts_too_old=False)
    assert layout.runs == [(len(block), (BASE + 1) * 1000)]


def test_line_in_pieces_keeps_the_time_of_its_start() -> None:
    """The rest of a line that was cut at the limit of an event belongs to the entry before it."""
    one = stamper()
    one.layout(access(7)[:-1], READ_AT, counts_too_old=False)
    layout = one.layout(b"rest of it\n" + access(9), READ_AT, counts_too_old=False)
    assert [run.time_ms for run in layout.runs] == [(BASE + 7) * 1000, (BASE + 9) * 1000]


def test_pieces_of_a_line_without_a_time_stay_together() -> None:
    """The first piece takes the time it was read, and so do the others, though the file knows an earlier one."""
    stamps = stamper()
    stamps.layout(access(1), READ_AT, counts_too_old=False)
    times = [
        stamps.layout(block, READ_AT + later, counts_too_old=False).runs for later, block in enumerate([b"x" * 9] * 3)
    ]
    assert [run.time_ms for runs in times for run in runs] == [int(READ_AT * 1000)] * 3


def test_lines_after_a_sent_entry_take_its_time() -> None:
    """Lines that continue an entry which was sent already take the file's latest known time."""
    one = stamper("php-error")
    first = one.layout(b"[23-Nov-2026 10:00:00 UTC] PHP Fatal error: x\nStack trace:\n", READ_AT, counts_too_old=False)
    layout = one.layout(b"#0 {main}\n[23-Nov-2026 10:00:05 UTC] PHP Notice: y\n", READ_AT, counts_too_old=False)
    assert layout.runs[0].time_ms == first.runs[0].time_ms
    assert layout.runs[1].time_ms == first.runs[0].time_ms + 5000


def test_lines_too_old_for_the_service_are_marked_when_a_file_is_met() -> None:
    """What a file held at the first meeting and is older than 14 days is counted, not sent."""
    block = access(-14 * 86400) + access(0)
    layout = stamper().layout(block, READ_AT, counts_too_old=True)
    assert [run.time_ms for run in layout.runs] == [TOO_OLD_MS, BASE * 1000]


def test_layout_survives_the_journal() -> None:
    """Writing a layout and reading it gives the same one."""
    layout = stamper().layout(access(3) + access(1) + access(2), READ_AT, counts_too_old=False)
    assert Layout.decode(layout.encode()) == layout


def test_full_batch_ends_where_a_second_ends() -> None:
    """The last second is left to the next batch, so that the two share no time; a large part is not."""
    block = access(1) * 50 + access(2) * 50 + access(3) * 5
    layout = stamper().layout(block, READ_AT, counts_too_old=False)
    trimmed, length = trim_to_whole_seconds(layout, len(block))
    assert length == len(access(1)) * 100
    assert trimmed.runs == layout.runs[:2]
    assert trim_to_whole_seconds(trimmed, length) == (trimmed, length)
