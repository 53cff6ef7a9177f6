"""A batch on its way, and each of its requests as a shipment with a state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from vawsum_agent.logs.batch.event import Event, events_of
from vawsum_agent.logs.batch.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.logs.batch.compose import Composer
    from vawsum_agent.logs.batch.request import Request
    from vawsum_agent.state.log_records import Marker


@dataclass(frozen=True, slots=True)
class Origin:
    """The file that a batch was read from.

    Attributes:
        file_id: the store's key of the generation.
        path: the live path it was met under.
        source: the configured source that follows it.
        read_range: reads bytes from start to end again; None when they are gone. Any thread may call it.
    """

    file_id: int
    path: str
    source: str
    read_range: Callable[[int, int], bytes | None]


class Progress(Enum):
    """Where a shipment is. WAITING → SENDING → SETTLED, or → UNDECIDED → SETTLED or WAITING again."""

    WAITING = auto()
    SENDING = auto()
    UNDECIDED = auto()
    SETTLED = auto()


@dataclass(slots=True, eq=False)
class Batch:
    """A contiguous range of one file, as it travels.

    Attributes:
        start, end: its bounds in the file.
        layout: as `Layout.encode` writes it; a list of runs would take ten times the memory while it travels.
        noticed_at: when its oldest byte was noticed, wall time; how old the backlog is.
        batch_id: the journal's key, None before it is recorded.
        is_booked: whether its final answer is written down, or about to be.
        dropped_bytes: what is or will be in no accepted request, by reason.
        tallies: of the requests in it, where they are counted, as (minute, body); they are booked with it.
    """

    origin: Origin
    composer: Composer
    start: int
    end: int
    layout: bytes
    digest: Callable[[], str]
    marker: Marker
    noticed_at: float
    dropped_bytes: dict[str, int]
    tallies: Sequence[tuple[int, bytes]] = ()
    batch_id: int | None = None
    is_booked: bool = False
    shipments: list[Shipment] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def length(self) -> int:
        """Bytes of the file."""
        return self.end - self.start

    def sent_span(self) -> tuple[int, int] | None:
        """Earliest and latest time among its events; None when none is sent."""
        if not self.shipments:
            return None
        requests = [shipment.request for shipment in self.shipments]
        return min(request.first_ms for request in requests), max(request.last_ms for request in requests)

    def drop(self, reason: str, length: int) -> None:
        """Count bytes as not delivered."""
        self.dropped_bytes[reason] = self.dropped_bytes.get(reason, 0) + length

    def accepted_bytes(self) -> int:
        """What CloudWatch took, once all is settled."""
        return self.length - sum(self.dropped_bytes.values())

    def is_settled(self) -> bool:
        """Whether every request has its final answer."""
        return all(shipment.progress is Progress.SETTLED for shipment in self.shipments)


@dataclass(slots=True, eq=False)
class Shipment:
    """One request of a batch.

    Attributes:
        attempted_at: wall time at which the last attempt ended without a clear answer.
        asked_count: how often the stream was asked since then.
        is_whole: whether it arrived as a whole or not at all; not so where it was divided to find a poisoned event.
        delivered: of a divided one, what went through already, as (milliseconds, message).
    """

    batch: Batch
    request: Request
    progress: Progress = Progress.WAITING
    attempted_at: float = 0.0
    asked_count: int = 0
    is_whole: bool = True
    delivered: list[tuple[int, str]] = field(default_factory=list)

    def events(self) -> list[Event]:
        """Take the request apart again, with the bytes of the file that each event stands for.

        The lengths come from reading the range again; if it is gone, from the messages, which is right unless the
        line was redacted or held invalid UTF-8.
        """
        sent = events_of(self.request.body)
        lengths = self._lengths(sent)
        return [Event(time_ms, message, length) for (time_ms, message), length in zip(sent, lengths, strict=True)]

    def _lengths(self, sent: list[tuple[int, str]]) -> list[int]:
        block = self.batch.origin.read_range(self.batch.start, self.batch.end)
        if block is not None:
            composed, _ = self.batch.composer.events(block, Layout.decode(self.batch.layout))
            known = [(event.time_ms, event.message) for event in composed]
            first = _position(known, sent)
            if first is not None:
                return [event.length for event in composed[first : first + len(sent)]]
        return [len(message.encode()) + 1 for _, message in sent]


def _position(whole: list[tuple[int, str]], part: list[tuple[int, str]]) -> int | None:
    for first in range(len(whole) - len(part) + 1):
        if whole[first] == part[0] and whole[first : first + len(part)] == part:
            return first
    return None
