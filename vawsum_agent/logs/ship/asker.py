"""Asks a stream what became of its undecided requests. Blocking; run by a sender thread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.core.errors import NotFound
from vawsum_agent.logs.batch.event import events_of
from vawsum_agent.logs.batch.layout import Layout
from vawsum_agent.logs.batch.limits import TOO_NEW_S, TOO_OLD_S
from vawsum_agent.logs.ship.confirm import Span, Text, is_doubtful, may_be_refused, missing_events
from vawsum_agent.logs.ship.shipment import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vawsum_agent.aws.logs import StoredEvent
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.batch.compose import Composer
    from vawsum_agent.logs.ship.shipment import Shipment
    from vawsum_agent.state.log_batches import LogBatches

    ReadRange = Callable[[int, int, int], bytes | None]
    """Reads bytes of a file again by (file_id, start, end); None when they are gone. Raises AgentError: ask again."""


class Streams(Protocol):
    """Where streams are read; `vawsum_agent.aws.logs.LogsClient` is it."""

    def events(self, group: str, stream: str, first_ms: int, last_ms: int) -> Iterator[StoredEvent]:
        """GetLogEvents, to the end token."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What the stream shows of one shipment.

    Attributes:
        missing: indexes of events that are not there and would be, had they arrived.
        refused: indexes of events that are not there and perhaps never will be, for their time.
        asked_at: wall time when the asking began.
    """

    shipment: Shipment
    missing: list[int]
    refused: list[int]
    asked_at: float


class Asker:
    """Compares undecided shipments with what GetLogEvents shows."""

    def __init__(self, client: Streams, journal: LogBatches, read_range: ReadRange, clock: Clock) -> None:
        self._client = client
        self._journal = journal
        self._read_range = read_range
        self._clock = clock

    def ask(self, shipments: Sequence[Shipment]) -> list[Answer]:
        """Ask about all undecided shipments of one stream together.

        Raises:
            AwsError: the stream could not be read; it may be tried again.
            AgentError: the journal or the bytes of batches before could not be read.
        """
        composer = shipments[0].batch.composer
        asked_at = self._clock.now()
        first_ms = min(shipment.request.first_ms for shipment in shipments)
        last_ms = max(shipment.request.last_ms for shipment in shipments)
        sent = [events_of(shipment.request.body) for shipment in shipments]
        wanted = {event for events in sent for event in events}
        seen: Counter[Text] = Counter()
        try:
            for event in self._client.events(composer.group, composer.stream, first_ms, last_ms):
                text = (event.timestamp_ms, event.message)
                if text in wanted:
                    seen[text] += 1
        except NotFound:
            pass  # no stream, no events
        before, unknown = self._accepted_before(composer, first_ms, last_ms)
        before += _arrived_before(shipments)
        absent = missing_events(sent, before, seen)
        return [
            self._answer(shipment, events, missing, asked_at, unknown)
            for shipment, events, missing in zip(shipments, sent, absent, strict=True)
        ]

    def _answer(
        self, shipment: Shipment, events: list[Text], absent: list[int], asked_at: float, unknown: list[Span]
    ) -> Answer:
        now_ms = int(asked_at * 1000)
        excused = {
            index
            for index in absent
            if may_be_refused(events[index][0], now_ms, too_old_ms=TOO_OLD_S * 1000, too_new_ms=TOO_NEW_S * 1000)
        }
        missing = [index for index in absent if index not in excused]
        if len(excused) == len(events):
            # Nothing of it can show whether it arrived; sent again it is refused again, so nothing arrives twice.
            missing, excused = absent, set()
        elif (missing and shipment.is_whole) or is_doubtful(events, unknown):
            # Taken whole or not at all: what is there of it is there as somebody else's identical line.
            missing, excused = [*range(len(events))], set()
        elif missing:
            missing, excused = absent, set()
        return Answer(shipment, missing, sorted(excused), asked_at)

    def _accepted_before(self, composer: Composer, first_ms: int, last_ms: int) -> tuple[list[Text], list[Span]]:
        """Give the events of accepted batches in a span of time, and the spans of those whose bytes are gone."""
        texts: list[Text] = []
        unknown: list[Span] = []
        for record in self._journal.accepted_between(composer.group, composer.stream, first_ms, last_ms):
            block = self._read_range(record.file_id, record.start, record.end)
            if block is None:
                unknown.append((record.first_ms or 0, record.last_ms or 0))
                continue
            events, _ = composer.events(block, Layout.decode(record.layout))
            texts += ((event.time_ms, event.message) for event in events if first_ms <= event.time_ms <= last_ms)
        return texts, unknown


def _arrived_before(shipments: Sequence[Shipment]) -> list[Text]:
    """Give the events that batches, of which not all is settled yet, have at the service for certain."""
    texts = [event for shipment in shipments for event in shipment.delivered]
    for batch in {id(shipment.batch): shipment.batch for shipment in shipments}.values():
        for sibling in batch.shipments:
            if sibling.progress is Progress.SETTLED:
                texts += (*events_of(sibling.request.body), *sibling.delivered)
    return texts
