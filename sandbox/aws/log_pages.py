"""Pages of GetLogEvents and the tokens between them.

A token names a place in the stream: `f/` the place after which the next page begins, `b/` the place before
which the page before ends. As in the service it is 56 digits, the timestamp above 144 bits. The lowest bits
count the empty pages given since the last event, so that a reader always gets on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from sandbox.aws.answers import invalid
from sandbox.aws.log_store import END, START, Place
from sandbox.aws.put_rules import EVENT_OVERHEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.aws.log_store import StoredEvent

PAGE_LIMIT_BYTES = 1_048_576
PAGE_LIMIT_COUNT = 10_000
EMPTY_PAGES_IN_A_ROW = 3
_TIMESTAMP_SHIFT = 144
_SEQUENCE_SHIFT = 64
_EMPTY_MASK = (1 << 16) - 1
_SHAPE = re.compile(r"([fb])/(\d{56})/s")


@dataclass(frozen=True, slots=True)
class Token:
    """A decoded `nextToken`."""

    is_forward: bool
    place: Place
    empty_count: int = 0

    def encode(self) -> str:
        """Return the text a client gets. Timestamp and sequence are moved up by one: START is below zero."""
        number = (self.place.timestamp + 1) << _TIMESTAMP_SHIFT
        number += (self.place.sequence + 1) << _SEQUENCE_SHIFT
        return f"{'f' if self.is_forward else 'b'}/{number + self.empty_count:056d}/s"

    @classmethod
    def decode(cls, text: str) -> Token:
        """Read a token; raises the service's error for one it never gave."""
        match = _SHAPE.fullmatch(text)
        if match is None:
            raise invalid("The specified nextToken is invalid.")
        number = int(match[2])
        sequence = (number >> _SEQUENCE_SHIFT) & ((1 << (_TIMESTAMP_SHIFT - _SEQUENCE_SHIFT)) - 1)
        place = Place((number >> _TIMESTAMP_SHIFT) - 1, sequence - 1)
        return cls(match[1] == "f", place, number & _EMPTY_MASK)


@dataclass(frozen=True, slots=True)
class Page:
    """What one call returns."""

    events: list[StoredEvent]
    forward: str
    backward: str


@dataclass(frozen=True, slots=True)
class Range:
    """The part of the stream a caller asked for: start inclusive, end exclusive."""

    after: Place = START
    before: Place = END

    @classmethod
    def of(cls, start_ms: int | None, end_ms: int | None) -> Range:
        """Return the range of `startTime` and `endTime`."""
        after = START if start_ms is None else min(END, Place(start_ms, -1))
        return cls(after, END if end_ms is None else min(END, Place(end_ms, -1)))


def first_token(wanted: Range, *, is_from_head: bool) -> Token:
    """Return the token that stands for a first call, which has none."""
    return Token(is_from_head, wanted.after if is_from_head else wanted.before)


def empty_page(token: Token) -> Page:
    """Return a page without events that still leads on: its token differs from the one given."""
    onward = Token(token.is_forward, token.place, token.empty_count + 1).encode()
    back = Token(not token.is_forward, token.place).encode()
    return Page([], onward, back) if token.is_forward else Page([], back, onward)


def fill_page(token: Token, events: Iterator[StoredEvent], limit: int) -> Page:
    """Return the page at `token`, given the events from there on in reading direction.

    At the end of the stream the token in reading direction is the one that was given.
    """
    taken = _take(events, limit)
    if not taken:
        onward, back = token.encode(), Token(not token.is_forward, token.place).encode()
        return Page([], onward, back) if token.is_forward else Page([], back, onward)
    if not token.is_forward:
        taken.reverse()
    forward = Token(is_forward=True, place=taken[-1].place).encode()
    return Page(taken, forward, Token(is_forward=False, place=taken[0].place).encode())


def _take(events: Iterator[StoredEvent], limit: int) -> list[StoredEvent]:
    taken: list[StoredEvent] = []
    size = 0
    for event in islice(events, limit):
        size += len(event.message) + EVENT_OVERHEAD_BYTES
        if taken and size > PAGE_LIMIT_BYTES:
            break
        taken.append(event)
    return taken
