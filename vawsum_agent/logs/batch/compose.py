"""Builds the requests of a batch from the bytes of the file and their layout: pure, so that it can be done again.

The fast way never makes an object a line. A run of lines that share a time is escaped by one call and turned into
events by one ``replace``; 0x7f, which JSON leaves as it is, stands between the messages meanwhile. Whatever does not
fit that (0x7f or empty lines in the text, invalid UTF-8, a batch beyond 24 hours or the limits) takes the slow way:
events one by one, with the same result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import orjson

from vawsum_agent.logs.batch.event import Event
from vawsum_agent.logs.batch.layout import TOO_OLD_MS, Layout, Run
from vawsum_agent.logs.batch.limits import (
    EVENT_OVERHEAD_BYTES,
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    MAX_MESSAGE_BYTES,
    MAX_SPAN_MS,
)
from vawsum_agent.logs.batch.lines import split_lines, split_parts
from vawsum_agent.logs.batch.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.logs.redact import Redactor

_MARK = b"\x7f"
_MARK_BYTE, _NEWLINE = _MARK[0], ord("\n")
_SHORT_RUN_BYTES = 1024
_PART_BYTES = 64 << 10
_EMPTY_FIRST, _EMPTY_MESSAGE, _EMPTY_LAST = b'""', b'{"message":"",', b'{"message":""'


@dataclass(frozen=True, slots=True)
class Composed:
    """The requests of a batch, and the bytes that are in none of them, by reason."""

    requests: list[Request]
    dropped_bytes: dict[str, int] = field(default_factory=dict)

    def digest(self) -> str:
        """CRC-32 and size of each request's text, the trailer of its gzip (RFC 1952): whether a text is the same."""
        return "".join(request.body[-8:].hex() for request in self.requests)


@dataclass(frozen=True, slots=True)
class Composer:
    """Composes for one log stream."""

    group: str
    stream: str
    redactor: Redactor

    def compose(self, block: bytes, layout: Layout) -> Composed:
        """Make the requests of ``block``. The same arguments always make the same texts."""
        fast = self._compose_fast(block, layout)
        if fast is not None:
            return fast
        events, dropped = self.events(block, layout)
        return Composed([self.request(part) for part in split(events)], dropped)

    def events(self, block: bytes, layout: Layout) -> tuple[list[Event], dict[str, int]]:
        """Make the events of ``block`` one by one, in the order they are sent, and count what is not sent."""
        events: list[Event] = []
        dropped: dict[str, int] = {}
        for raw, time_ms in _entries(block, layout):
            if time_ms == TOO_OLD_MS:
                dropped["too_old"] = dropped.get("too_old", 0) + len(raw)
                continue
            message = self._message(raw, is_by_line=layout.is_by_line)
            if not message:
                dropped["empty"] = dropped.get("empty", 0) + len(raw)
                continue
            pieces = _pieces(message)
            events.append(Event(time_ms, pieces[0], len(raw)))
            events += (Event(time_ms, piece, 0) for piece in pieces[1:])
        events.sort(key=attrgetter("time_ms"))
        return events, dropped

    def request(self, events: Sequence[Event]) -> Request:
        """Make one request of events that are in order and within the limits."""
        parts = [b'{"message":%b,"timestamp":%d}' % (orjson.dumps(event.message), event.time_ms) for event in events]
        length = sum(event.length for event in events)
        return Request(self._text([b",".join(parts)]), len(events), length, events[0].time_ms, events[-1].time_ms)

    def _message(self, raw: bytes, *, is_by_line: bool) -> str:
        text = raw.removesuffix(b"\n") if is_by_line else raw.rstrip(b"\n")
        return self.redactor.apply(text).decode("utf-8", "replace")

    def _compose_fast(self, block: bytes, layout: Layout) -> Composed | None:
        if not _is_plain(block):
            return None
        if layout.is_by_line:
            marked = None
        else:
            marked = _mark_entries(block, layout.runs)
            if marked is None:
                return None
            if self.redactor.apply(block) is not block:
                messages = marked[:-1].split(_MARK)
                return self._pair(_MARK.join(map(self.redactor.apply, messages)), layout, len(block))
        placed = _placed(layout.runs)
        if len(placed) * _SHORT_RUN_BYTES > len(block):
            # Runs of one message each: escape all at once, then pair messages with their times.
            joined = self.redactor.apply(block[:-1]).replace(b"\n", _MARK) if marked is None else marked[:-1]
            return self._pair(joined, layout, len(block))
        return self._group(block, marked, layout, placed)

    def _group(
        self, block: bytes, marked: bytes | None, layout: Layout, placed: list[tuple[int, int, int]]
    ) -> Composed | None:
        """Make a request run by run, for runs of many messages."""
        parts: list[bytes] = []
        count = 0
        size = 0
        old_bytes = 0
        source = block if marked is None else marked
        for time_ms, runs in groupby(placed, key=_time_of):
            together = b"".join([source[start:end] for start, end, _ in runs])[:-1]
            if time_ms == TOO_OLD_MS:
                old_bytes += len(together) + 1
                continue
            joined = together if marked is not None else self.redactor.apply(together).replace(b"\n", _MARK)
            escaped = orjson.dumps(joined.decode())
            between = b',"timestamp":%d},{"message":"' % time_ms
            text = escaped.replace(_MARK, b'"' + between)
            count += (len(text) - len(escaped)) // len(between) + 1
            size += len(joined) + 1
            if not layout.has_no_empty and _holds_empty(text):
                return None
            parts += (b',{"message":', text, b',"timestamp":%d}' % time_ms)
        dropped = {"too_old": old_bytes} if old_bytes else {}
        if not parts:
            return Composed([], dropped)
        first_ms, last_ms = _first_sent(placed), placed[-1][2]
        if not _fits(size, count, last_ms - first_ms):
            return None
        parts[0] = parts[0][1:]
        return Composed([Request(self._text(parts), count, len(block) - old_bytes, first_ms, last_ms)], dropped)

    def _pair(self, joined: bytes, layout: Layout, length: int) -> Composed | None:
        """Make a request of messages, with `_MARK` between them, and the times of the runs."""
        times = [run.time_ms for run in layout.runs]
        is_last_empty = joined[-1:] in (b"", _MARK)
        if is_last_empty or joined.count(_MARK) + 1 != len(times) or TOO_OLD_MS in times:
            return None
        events: list[bytes] = []
        for part in split_parts(joined, _PART_BYTES, _MARK):
            # Part by part: each step of all messages at once would take as much memory again as the block.
            messages = orjson.dumps(part.removesuffix(_MARK).decode())[1:-1].split(_MARK)
            if b"" in messages:
                return None
            here = times[len(events) : len(events) + len(messages)]
            events += map(b'{"message":"%b","timestamp":%d}'.__mod__, zip(messages, here, strict=True))
        order = sorted(range(len(times)), key=times.__getitem__)
        first_ms, last_ms = times[order[0]], times[order[-1]]
        if not _fits(len(joined) + 1, len(times), last_ms - first_ms):
            return None
        text = b",".join(map(events.__getitem__, order))
        return Composed([Request(self._text([text]), len(times), length, first_ms, last_ms)])

    def _text(self, parts: Sequence[bytes]) -> Sequence[bytes]:
        names = b'],"logGroupName":%b,"logStreamName":%b}' % (orjson.dumps(self.group), orjson.dumps(self.stream))
        return (b'{"logEvents":[', *parts, names)


def _fits(size: int, count: int, span_ms: int) -> bool:
    """Whether events are one request: ``size`` counts their messages and a byte for each."""
    is_small = size + (EVENT_OVERHEAD_BYTES - 1) * count <= MAX_BATCH_BYTES
    return is_small and count <= MAX_BATCH_EVENTS and span_ms <= MAX_SPAN_MS


def _is_plain(block: bytes) -> bool:
    if _MARK in block or block[-1:] != b"\n":
        return False
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _holds_empty(text: bytes) -> bool:
    """Whether one of the messages is empty; a quote inside a message has a backslash before it."""
    return text.startswith(_EMPTY_FIRST) or _EMPTY_MESSAGE in text or text.endswith(_EMPTY_LAST)


def _mark_entries(block: bytes, runs: Sequence[Run]) -> bytes | None:
    """Put `_MARK` in place of the newline at each entry's end; None where an entry ends otherwise."""
    marked = bytearray(block)
    position = 0
    for length, _ in runs:
        position += length
        if marked[position - 1] != _NEWLINE:
            return None
        marked[position - 1] = _MARK_BYTE
    # Of an entry that ends with empty lines more is cut off than the one newline.
    return None if b"\n" + _MARK in marked else bytes(marked)


def _placed(runs: Sequence[Run]) -> list[tuple[int, int, int]]:
    """Give runs their bounds in the block, in the order of time; those of one time stay in the order of the file."""
    placed = []
    start = end = 0
    current_ms = runs[0].time_ms
    for length, time_ms in runs:
        if time_ms != current_ms:
            placed.append((start, end, current_ms))
            start, current_ms = end, time_ms
        end += length
    placed.append((start, end, current_ms))
    placed.sort(key=_time_of)
    return placed


def _time_of(placed: tuple[int, int, int]) -> int:
    return placed[2]


def _first_sent(placed: Sequence[tuple[int, int, int]]) -> int:
    return next(time_ms for _, _, time_ms in placed if time_ms != TOO_OLD_MS)


def _entries(block: bytes, layout: Layout) -> Iterator[tuple[bytes, int]]:
    position = 0
    for length, time_ms in layout.runs:
        raw = block[position : position + length]
        position += length
        if layout.is_by_line:
            for line in split_lines(raw):
                yield line, time_ms
        else:
            yield raw, time_ms


def _pieces(message: str) -> list[str]:
    """Cut a message that replacing or redacting made longer than an event may be."""
    if len(message) * 4 <= MAX_MESSAGE_BYTES:
        return [message]
    encoded = message.encode()
    pieces = []
    while len(encoded) > MAX_MESSAGE_BYTES:
        piece = encoded[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
        pieces.append(piece)
        encoded = encoded[len(piece.encode()) :]
    return [*pieces, encoded.decode()]


def split(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Divide events that are in order into requests: by size, by number, and at 24 hours."""
    part: list[Event] = []
    size = 0
    for event in events:
        event_size = _utf8_length(event.message) + EVENT_OVERHEAD_BYTES
        is_full = size + event_size > MAX_BATCH_BYTES or len(part) == MAX_BATCH_EVENTS
        if part and (is_full or event.time_ms - part[0].time_ms > MAX_SPAN_MS):
            yield part
            part, size = [], 0
        part.append(event)
        size += event_size
    if part:
        yield part


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
