"""Carries out one shipment: journal, send, read the answer. Blocking; each sender thread runs one at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError, AwsError, Rejected, StateError, Unavailable
from vawsum_agent.logs.ship.bisect import divide
from vawsum_agent.logs.ship.put import INVALID
from vawsum_agent.state.log_batches import BatchRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.batch.event import Event
    from vawsum_agent.logs.ship.put import Putter
    from vawsum_agent.logs.ship.shipment import Batch, Shipment
    from vawsum_agent.logs.ship.undeliverable import Undeliverable
    from vawsum_agent.state.log_batches import LogBatches

_log = structlog.get_logger()


class Verdict(Enum):
    """What an attempt came to."""

    ACCEPTED = auto()
    RETRY = auto()
    """Provably not done."""
    UNDECIDED = auto()
    """Perhaps done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, and the error that led to it.

    Attributes:
        has_progressed: whether parts of a divided request went through before the error.
    """

    verdict: Verdict
    error: AgentError | None = None
    has_progressed: bool = False


class Sender:
    """Sends shipments; safe to share between threads."""

    def __init__(
        self,
        putter: Putter,
        journal: LogBatches,
        undeliverable: Undeliverable,
        clock: Clock,
    ) -> None:
        self._putter = putter
        self._journal = journal
        self._undeliverable = undeliverable
        self._clock = clock

    def send(self, shipment: Shipment) -> Outcome:
        """Journal the batch, send the request, and take care of events that are refused one by one."""
        count = shipment.request.count
        try:
            self.record(shipment.batch)
            # If we die from here on, the next start finds the batch in the journal and asks the stream about it.
            self._deliver(shipment)
        except (AwsError, StateError) as exc:
            is_open = isinstance(exc, Unavailable) and exc.maybe_done
            return Outcome(Verdict.UNDECIDED if is_open else Verdict.RETRY, exc, shipment.request.count < count)
        return Outcome(Verdict.ACCEPTED)

    def record(self, batch: Batch) -> int:
        """Write down that a batch is about to be sent (once more); returns the journal's key. Raises StateError."""
        with batch.lock:
            if batch.batch_id is None:
                batch.batch_id = self._journal.record(self._as_record(batch))
            else:
                self._journal.record_attempt(batch.batch_id, self._clock.now())
            return batch.batch_id

    def _as_record(self, batch: Batch) -> BatchRecord:
        span = batch.sent_span()
        return BatchRecord(
            file_id=batch.origin.file_id,
            group=batch.composer.group,
            stream=batch.composer.stream,
            start=batch.start,
            end=batch.end,
            first_ms=span[0] if span else None,
            last_ms=span[1] if span else None,
            layout=batch.layout,
            digest=batch.digest(),
            marker=batch.marker,
            recorded_at=self._clock.now(),
        )

    def _deliver(self, shipment: Shipment) -> None:
        composer = shipment.batch.composer
        try:
            refused = self._putter.put(composer.group, composer.stream, shipment.request.body)
        except Rejected as exc:
            if exc.code not in INVALID:
                raise
            _log.warning("batch_refused", group=composer.group, stream=composer.stream, error=exc.message)
            self._deliver_divided(shipment)
            return
        if refused.too_old_end or refused.expired_end or refused.too_new_start is not None:
            self._undeliverable.refused_for_time(shipment.batch, shipment.events(), refused)

    def _deliver_divided(self, shipment: Shipment) -> None:
        """Find what the service calls invalid by halving, so that everything else goes through."""
        composer = shipment.batch.composer
        if shipment.is_whole:
            self._journal.record_division(self.record(shipment.batch))
            shipment.is_whole = False
        # If we die from here on, the next start asks the stream event by event.

        def put(events: list[Event]) -> None:
            refused = self._putter.put(composer.group, composer.stream, composer.request(events).body)
            self._undeliverable.refused_for_time(shipment.batch, events, refused)

        def give_up(event: Event, error: Rejected) -> None:
            self._undeliverable.refused(shipment.batch, event, error)

        def note_rest(rest: Iterable[Event]) -> None:
            # What went through stays out of the next attempt.
            left = list(rest)
            shipment.delivered += (Counter(sent) - Counter((event.time_ms, event.message) for event in left)).elements()
            shipment.request = composer.request(left)

        events = shipment.events()
        sent = [(event.time_ms, event.message) for event in events]
        divide(events, put=put, give_up=give_up, note_rest=note_rest, invalid_codes=INVALID)
