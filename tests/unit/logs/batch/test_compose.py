"""Composing: the fast way gives what the slow way gives, within the service's limits, with every byte accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.logs.batch.compose import Composer
from vawsum_agent.logs.batch.event import events_of
from vawsum_agent.logs.batch.layout import TOO_OLD_MS, Layout, Run
from vawsum_agent.logs.batch.limits import EVENT_OVERHEAD_BYTES, MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_SPAN_MS
from vawsum_agent.logs.redact import Redactor

if TYPE_CHECKING:
    from vawsum_agent.logs.batch.compose import Composed

COMPOSER = Composer("/vawsum/test", "i-1/var/log/x", Redactor([]))
NOW_MS = 1_790_000_000_000


def by_line(*runs: tuple[bytes, int]) -> tuple[bytes, Layout]:
    """Make a block of whole lines and its layout."""
    return b"".join(text for text, _ in runs), Layout([Run(len(text), ms) for text, ms in runs], is_by_line=True)


def sent(composed: Composed) -> list[tuple[int, str]]:
    """List all events of all requests."""
    return [event for request in composed.requests for event in events_of(request.body)]


def check_limits(composed: Composed) -> None:
    """Hold every request to PutLogEvents' rules."""
    for request in composed.requests:
        events = events_of(request.body)
        times = [time_ms for time_ms, _ in events]
        assert len(events) == request.count <= MAX_BATCH_EVENTS
        assert sum(len(message.encode()) + EVENT_OVERHEAD_BYTES for _, message in events) <= MAX_BATCH_BYTES
        assert times == sorted(times)
        assert times[-1] - times[0] <= MAX_SPAN_MS
        assert (times[0], times[-1]) == (request.first_ms, request.last_ms)
        assert all(message for _, message in events)


LINE = st.one_of(
    st.binary(max_size=40).map(lambda raw: raw.replace(b"\n", b"")),
    st.sampled_from(
        [
            b"",
            b"\x7f",
            b"\\n",
            b'",',
            b'"',
            b"a\\",
            b"\r",
            b"\x00",
            b"caf\xc3\xa9",
            b"\xff\xfe",
            b"x" * 300,
            b"x=secret",
        ]
    ),
)
RUNS = st.lists(
    st.tuples(st.lists(LINE, min_size=1, max_size=5), st.integers(NOW_MS - MAX_SPAN_MS, NOW_MS) | st.just(TOO_OLD_MS)),
    min_size=1,
    max_size=12,
)


@given(RUNS)
def test_fast_and_slow_way_agree(runs: list[tuple[list[bytes], int]]) -> None:
    """Whichever way a block takes, the events are the lines, sorted stably, as near to verbatim as UTF-8 allows."""
    block, layout = by_line(*((b"".join(line + b"\n" for line in lines), ms) for lines, ms in runs))
    composed = COMPOSER.compose(block, layout)
    events, dropped = COMPOSER.events(block, layout)
    assert sent(composed) == [(event.time_ms, event.message) for event in events]
    assert composed.dropped_bytes == dropped
    expected = [(ms, line.decode("utf-8", "replace")) for lines, ms in runs for line in lines if line and ms >= 0]
    assert sent(composed) == sorted(expected, key=lambda event: event[0])
    check_limits(composed)


@given(RUNS)
def test_every_byte_is_in_a_request_or_dropped(runs: list[tuple[list[bytes], int]]) -> None:
    """The lengths of the requests and the dropped bytes add up to the block."""
    block, layout = by_line(*((b"".join(line + b"\n" for line in lines), ms) for lines, ms in runs))
    composed = COMPOSER.compose(block, layout)
    assert sum(request.length for request in composed.requests) + sum(composed.dropped_bytes.values()) == len(block)


@given(RUNS)
def test_composing_again_gives_the_same_text(runs: list[tuple[list[bytes], int]]) -> None:
    """A batch made again from its bytes and its journalled layout has the digest of the first time."""
    block, layout = by_line(*((b"".join(line + b"\n" for line in lines), ms) for lines, ms in runs))
    assert COMPOSER.compose(block, Layout.decode(layout.encode())).digest() == COMPOSER.compose(block, layout).digest()


@given(RUNS, st.sampled_from([COMPOSER, Composer("/g", "s", Redactor(["caf\xe9", "x"]))]), st.integers(1, 60))
def test_fast_and_slow_way_agree_on_entries(
    runs: list[tuple[list[bytes], int]], composer: Composer, times: int
) -> None:
    """Entries of many lines: whichever way they take, the events are the same, in the same order."""
    entries = [(b"".join(line + b"\n" for line in lines), ms) for lines, ms in runs for _ in range(times)]
    block = b"".join(entry for entry, _ in entries)
    layout = Layout([Run(len(entry), ms) for entry, ms in entries], is_by_line=False)
    composed = composer.compose(block, layout)
    events, dropped = composer.events(block, layout)
    assert sent(composed) == [(event.time_ms, event.message) for event in events]
    assert composed.dropped_bytes == dropped
    assert sum(request.length for request in composed.requests) + sum(dropped.values()) == len(block)
    check_limits(composed)


def test_batch_is_split_at_24_hours() -> None:
    """Lines a day apart travel in two requests (PutLogEvents: a batch spans at most 24 hours)."""
    block, layout = by_line((b"new\n", NOW_MS), (b"old\n", NOW_MS - MAX_SPAN_MS - 1))
    composed = COMPOSER.compose(block, layout)
    assert [request.count for request in composed.requests] == [1, 1]
    check_limits(composed)


@pytest.mark.parametrize(
    "line",
    [b"\xff" * 600_000 + b"\n", b"token=" * 1 + b"a&token=" * 60_000 + b"\n"],
    ids=["invalid UTF-8", "redaction"],
)
def test_text_that_grows_beyond_an_event_is_cut(line: bytes) -> None:
    """Replacing invalid bytes and masking values may make a line longer than an event: it goes on in the next."""
    composer = Composer("/g", "s", Redactor(["token"]))
    block, layout = by_line((line * 2, NOW_MS))
    composed = composer.compose(block, layout)
    check_limits(composed)
    assert sum(request.length for request in composed.requests) == len(block)
    joined = "".join(message for _, message in sent(composed))
    assert joined == 2 * composer.redactor.apply(line[:-1]).decode("utf-8", "replace")


def test_redaction_happens_before_anything_leaves() -> None:
    """A masked value is in no request."""
    block, layout = by_line((b"GET /?password=hunter2 HTTP/1.1\nGET / HTTP/1.1\n", NOW_MS))
    composed = Composer("/g", "s", Redactor(["password"])).compose(block, layout)
    assert [message for _, message in sent(composed)] == ["GET /?password=*** HTTP/1.1", "GET / HTTP/1.1"]


def test_entries_of_many_lines_are_one_event_each() -> None:
    """A stack trace is one event, without the newlines that end it."""
    block = b"[1] a\n#0 x\n#1 y\n\n[2] b\n"
    composed = COMPOSER.compose(block, Layout([Run(17, NOW_MS), Run(6, NOW_MS + 1)], is_by_line=False))
    assert sent(composed) == [(NOW_MS, "[1] a\n#0 x\n#1 y"), (NOW_MS + 1, "[2] b")]
    assert composed.requests[0].length == len(block)
