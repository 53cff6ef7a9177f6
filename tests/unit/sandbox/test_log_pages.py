"""GetLogEvents' pages hold every event once, in order, from both ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.answers import ServiceError
from sandbox.aws.log_pages import Page, Range, Token, empty_page, fill_page, first_token
from sandbox.aws.log_store import END, START, LogStream, Place

BATCHES = st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=8).map(sorted), max_size=8)


def stream_of(batches: list[list[int]]) -> LogStream:
    """Return a stream that accepted batches with these timestamps; a message names its batch and index."""
    stream = LogStream("s", 0)
    for number, timestamps in enumerate(batches):
        messages = [f"{number}.{index}".encode() for index in range(len(timestamps))]
        stream.append(timestamps, messages, ingestion_ms=number, accepted_at=0.0, request_id=str(number))
    return stream


def ordered(batches: list[list[int]]) -> list[tuple[int, bytes]]:
    """Return the order the service promises, worked out the plain way."""
    rows = [(timestamp, number, index) for number, batch in enumerate(batches) for index, timestamp in enumerate(batch)]
    return [(timestamp, f"{number}.{index}".encode()) for timestamp, number, index in sorted(rows)]


def page_at(stream: LogStream, token: Token, wanted: Range, limit: int) -> Page:
    """Return one page, as the service makes it."""
    after = max(wanted.after, token.place) if token.is_forward else wanted.after
    before = wanted.before if token.is_forward else min(wanted.before, token.place)
    return fill_page(token, stream.events(after, before, is_backward=not token.is_forward), limit)


def read_all(stream: LogStream, wanted: Range, limit: int, *, is_from_head: bool) -> list[tuple[int, bytes]]:
    """Read page after page until the token stays the same."""
    token = first_token(wanted, is_from_head=is_from_head)
    found: list[tuple[int, bytes]] = []
    while True:
        page = page_at(stream, token, wanted, limit)
        rows = [(event.place.timestamp, event.message) for event in page.events]
        found = found + rows if is_from_head else rows + found
        onward = page.forward if is_from_head else page.backward
        if onward == token.encode():
            return found
        token = Token.decode(onward)


@given(batches=BATCHES, limit=st.integers(1, 5), is_from_head=st.booleans())
def test_reading_to_the_end_token_yields_every_event_once(
    *, batches: list[list[int]], limit: int, is_from_head: bool
) -> None:
    """From either end, by pages of any size: all events, by timestamp, then by acceptance."""
    assert read_all(stream_of(batches), Range(), limit, is_from_head=is_from_head) == ordered(batches)


@given(batches=BATCHES, start=st.integers(0, 41), end=st.integers(0, 41), is_from_head=st.booleans())
def test_start_is_inclusive_and_end_exclusive(
    *, batches: list[list[int]], start: int, end: int, is_from_head: bool
) -> None:
    """`startTime` belongs to the range, `endTime` doesn't."""
    found = read_all(stream_of(batches), Range.of(start, end), 3, is_from_head=is_from_head)
    assert found == [row for row in ordered(batches) if start <= row[0] < end]


def test_empty_pages_lead_on_until_events_come() -> None:
    """An empty page's token differs from the one given and stands for the same place."""
    token = first_token(Range(), is_from_head=True)
    onward = Token.decode(empty_page(token).forward)
    assert onward.encode() != token.encode()
    assert (onward.place, onward.empty_count) == (token.place, 1)


def test_page_ends_before_one_megabyte() -> None:
    """A page holds at most 1 MB, but always at least one event."""
    stream = LogStream("s", 0)
    for number in range(3):
        stream.append([number], [b"x" * 700_000], ingestion_ms=0, accepted_at=0.0, request_id="")
    page = page_at(stream, first_token(Range(), is_from_head=True), Range(), 10)
    assert len(page.events) == 1


@given(
    timestamp=st.integers(-1, END.timestamp),
    sequence=st.integers(-1, END.sequence),
    empty_count=st.integers(0, 3),
    is_forward=st.booleans(),
)
def test_tokens_have_the_services_shape(*, timestamp: int, sequence: int, empty_count: int, is_forward: bool) -> None:
    """`f/` or `b/`, 56 digits, `/s`; decoding gives back what was encoded."""
    token = Token(is_forward, Place(timestamp, sequence), empty_count)
    text = token.encode()
    assert len(text) == 60
    assert text[:2] == ("f/" if is_forward else "b/")
    assert Token.decode(text) == token


@pytest.mark.parametrize("text", ["", "f/1/s", "x/" + "0" * 56 + "/s", "f/" + "0" * 56])
def test_unknown_tokens_are_refused(text: str) -> None:
    """A token the service never gave is invalid."""
    with pytest.raises(ServiceError, match="nextToken"):
        Token.decode(text)


def test_invisible_events_are_passed_over() -> None:
    """What a reader may not see yet is left out without disturbing the rest."""
    stream = stream_of([[1, 3], [2]])
    found = stream.events(START, END, is_visible=lambda batch, _timestamp: batch.ingestion_ms == 0)
    assert [event.place.timestamp for event in found] == [1, 3]
