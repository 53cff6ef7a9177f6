"""Log groups, log streams and their accepted events, compactly in memory.

A stream is the list of its accepted batches. An event's place is `(timestamp, sequence)`: ordered by
timestamp, and by acceptance where timestamps are equal, as GetLogEvents orders them.
"""

from __future__ import annotations

import heapq
import threading
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from sandbox.aws.answers import already_there, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SEQUENCE_STEP = 16_384
"""Sequence numbers set aside for a batch: more than the events one may hold."""


class Place(NamedTuple):
    """Where an event stands in its stream."""

    timestamp: int
    sequence: int


START = Place(-1, -1)
END = Place(4_400_000_000_000, 1 << 62)  # the last timestamp whose token still has 56 digits: the year 2109


class StoredEvent(NamedTuple):
    """An accepted event."""

    place: Place
    message: bytes
    ingestion_ms: int
    request_id: str


class StoredBatch:
    """What was accepted of one request."""

    __slots__ = ("accepted_at", "base", "ends", "ingestion_ms", "request_id", "text", "timestamps")

    def __init__(
        self,
        timestamps: Sequence[int],
        messages: Sequence[bytes],
        *,
        base: int,
        ingestion_ms: int,
        accepted_at: float,
        request_id: str,
    ) -> None:
        self.timestamps = array("q", timestamps)
        self.text = b"".join(messages)
        self.ends = array("I", accumulate(map(len, messages)))
        self.base = base
        self.ingestion_ms = ingestion_ms
        self.accepted_at = accepted_at
        self.request_id = request_id

    def event(self, index: int) -> StoredEvent:
        """Return the event at `index` of the batch."""
        start = self.ends[index - 1] if index else 0
        place = Place(self.timestamps[index], self.base + index)
        return StoredEvent(place, self.text[start : self.ends[index]], self.ingestion_ms, self.request_id)

    def between(self, after: Place, before: Place) -> range:
        """Return the indexes of the events strictly between two places."""
        return range(self._count_up_to(after), max(self._count_up_to(after), self._count_below(before)))

    def _count_up_to(self, place: Place) -> int:
        low, high = bisect_left(self.timestamps, place.timestamp), bisect_right(self.timestamps, place.timestamp)
        return min(max(low, place.sequence - self.base + 1), high)

    def _count_below(self, place: Place) -> int:
        low, high = bisect_left(self.timestamps, place.timestamp), bisect_right(self.timestamps, place.timestamp)
        return min(max(low, place.sequence - self.base), high)


@dataclass(slots=True)
class LogStream:
    """A log stream and what it holds."""

    name: str
    creation_ms: int
    batches: list[StoredBatch] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def append(
        self,
        timestamps: Sequence[int],
        messages: Sequence[bytes],
        *,
        ingestion_ms: int,
        accepted_at: float,
        request_id: str,
    ) -> None:
        """Store the events of one request."""
        if not timestamps:
            return
        with self.lock:
            self.batches.append(
                StoredBatch(
                    timestamps,
                    messages,
                    base=len(self.batches) * SEQUENCE_STEP,
                    ingestion_ms=ingestion_ms,
                    accepted_at=accepted_at,
                    request_id=request_id,
                )
            )

    def events(
        self,
        after: Place = START,
        before: Place = END,
        *,
        is_backward: bool = False,
        is_visible: Callable[[StoredBatch, int], bool] = lambda _batch, _timestamp: True,
    ) -> Iterator[StoredEvent]:
        """Yield the events strictly between two places, in order or, `is_backward`, from the last one on.

        Args:
            after: the place before the first wanted one.
            before: the place behind the last wanted one.
            is_backward: whether the last event comes first.
            is_visible: given a batch and a timestamp, whether a reader may see the event yet.
        """
        with self.lock:
            batches = list(self.batches)
        runs = []
        for batch in batches:
            indexes = batch.between(after, before)
            if indexes:
                runs.append(_run(batch, reversed(indexes) if is_backward else indexes, is_visible))
        return heapq.merge(*runs, reverse=is_backward)

    def count(self) -> int:
        """Return the number of stored events."""
        with self.lock:
            return sum(len(batch.timestamps) for batch in self.batches)

    def message_bytes(self) -> int:
        """Return the bytes of all stored messages."""
        with self.lock:
            return sum(len(batch.text) for batch in self.batches)


def _run(
    batch: StoredBatch, indexes: range | Iterator[int], is_visible: Callable[[StoredBatch, int], bool]
) -> Iterator[StoredEvent]:
    for index in indexes:
        if is_visible(batch, batch.timestamps[index]):
            yield batch.event(index)


@dataclass(slots=True)
class LogGroup:
    """A log group, its settings and its streams."""

    name: str
    creation_ms: int
    kms_key_id: str = ""
    retention_days: int | None = None
    streams: dict[str, LogStream] = field(default_factory=dict)


class LogStore:
    """All log groups. Threads may call it at once."""

    def __init__(self) -> None:
        self._groups: dict[str, LogGroup] = {}
        self._lock = threading.Lock()

    def create_group(self, name: str, creation_ms: int, kms_key_id: str) -> None:
        """Create a log group; refused when it exists."""
        with self._lock:
            if name in self._groups:
                what = "log group"
                raise already_there(what)
            self._groups[name] = LogGroup(name, creation_ms, kms_key_id)

    def create_stream(self, group: str, name: str, creation_ms: int) -> None:
        """Create a log stream; refused when it exists or its group doesn't."""
        holder = self.group(group)
        with self._lock:
            if name in holder.streams:
                what = "log stream"
                raise already_there(what)
            holder.streams[name] = LogStream(name, creation_ms)

    def delete_group(self, name: str) -> None:
        """Delete a log group and all it holds."""
        self.group(name)
        with self._lock:
            self._groups.pop(name, None)

    def group(self, name: str) -> LogGroup:
        """Return a log group, or raise the service's error."""
        group = self._groups.get(name)
        if group is None:
            what = "log group"
            raise missing(what)
        return group

    def stream(self, group: str, name: str) -> LogStream:
        """Return a log stream, or raise the service's error."""
        stream = self.group(group).streams.get(name)
        if stream is None:
            what = "log stream"
            raise missing(what)
        return stream

    def groups(self, prefix: str = "") -> list[LogGroup]:
        """Return the log groups whose name begins with `prefix`, in name order."""
        with self._lock:
            return [self._groups[name] for name in sorted(self._groups) if name.startswith(prefix)]

    def streams(self, group: str, prefix: str = "") -> list[LogStream]:
        """Return the log streams of a group, in name order."""
        holder = self.group(group)
        with self._lock:
            return [holder.streams[name] for name in sorted(holder.streams) if name.startswith(prefix)]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._groups.clear()
