"""What becomes of events that CloudWatch refuses: into the dead-letter folder and the ledger."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.clock import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.aws.logs import RejectedEvents
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.errors import Rejected
    from vawsum_agent.logs.batch.event import Event
    from vawsum_agent.logs.deadletter import DeadLetters, Letter
    from vawsum_agent.logs.ship.shipment import Batch

_log = structlog.get_logger()


class Undeliverable:
    """Keeps refused events and books their bytes as dropped. Safe to share between threads."""

    def __init__(self, letters: DeadLetters, count: Callable[[str, int], None], clock: Clock) -> None:
        self._letters = letters
        self._count = count
        self._clock = clock

    def refused_for_time(self, batch: Batch, events: Sequence[Event], refused: RejectedEvents) -> None:
        """Keep the events of an accepted request that the service left out; ``events`` in the order sent."""
        by_reason: dict[str, list[Event]] = {}
        for index, event in enumerate(events):
            reason = reason_of(index, refused)
            if reason is not None:
                by_reason.setdefault(reason, []).append(event)
        for reason, left_out in by_reason.items():
            self._keep(batch, left_out, reason)

    def refused(self, batch: Batch, event: Event, error: Rejected) -> None:
        """Keep one event that the service calls invalid."""
        _log.warning("event_refused", path=batch.origin.path, error=error.message)
        self._keep(batch, [event], "refused")

    def refused_unseen(self, batch: Batch, events: Sequence[Event]) -> None:
        """Keep events that are missing in their stream beside others that arrived: their time was refused."""
        now_ms = self._clock.now() * 1000
        self._keep(batch, [event for event in events if event.time_ms < now_ms], "too_old")
        self._keep(batch, [event for event in events if event.time_ms >= now_ms], "too_new")

    def _keep(self, batch: Batch, events: Sequence[Event], reason: str) -> None:
        if not events:
            return
        for event in events:
            batch.drop(reason, event.length)
        try:
            gone_bytes = self._letters.append(self._as_letters(batch, events, reason))
        except OSError as exc:
            # The bytes are counted all the same; keeping them is what the full disk took from us.
            _log.error("dead_letters_lost", path=batch.origin.path, count=len(events), reason=reason, error=str(exc))
            return
        self._count("log_dead_letters", len(events))
        _log.warning("events_undeliverable", path=batch.origin.path, count=len(events), reason=reason)
        if gone_bytes:
            _log.warning("dead_letter_limit_reached", removed_bytes=gone_bytes)

    def _as_letters(self, batch: Batch, events: Sequence[Event], reason: str) -> list[Letter]:
        met: Counter[str] = Counter()
        at = rfc3339(self._clock.now())
        letters: list[Letter] = []
        for event in events:
            digest = hashlib.blake2b(f"{event.time_ms} {event.message}".encode(), digest_size=8).hexdigest()
            letters.append(
                {
                    "id": f"{batch.origin.file_id}-{batch.start}-{digest}-{met[digest]}",
                    "log_group": batch.composer.group,
                    "log_stream": batch.composer.stream,
                    "timestamp": event.time_ms,
                    "message": event.message,
                    "reason": reason,
                    "source": batch.origin.source,
                    "path": batch.origin.path.encode("utf-8", "backslashreplace").decode(),
                    "at": at,
                }
            )
            met[digest] += 1
        return letters


def reason_of(index: int, refused: RejectedEvents) -> str | None:
    """Tell why the event of this index was left out of an accepted request; None when it was not."""
    if index < refused.too_old_end:
        return "too_old"
    if index < refused.expired_end:
        return "expired"
    if refused.too_new_start is not None and index >= refused.too_new_start:
        return "too_new"
    return None
