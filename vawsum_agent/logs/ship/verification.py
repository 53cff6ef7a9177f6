"""The rules for shipments that may have arrived: how long and how often to ask, and when to send again.

Fresh events take seconds to be readable, those stamped over a day back much longer, so absence proves nothing before
a window has passed; and after it, what is sent again is counted as ambiguous: no more than that can be there twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.logs.ship.shipment import Progress

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.logs.ship.asker import Answer
    from vawsum_agent.logs.ship.shipment import Shipment
    from vawsum_agent.logs.ship.undeliverable import Undeliverable

_log = structlog.get_logger()

_OLD_EVENTS_S = 24 * 3600
_OLD_EVENTS_FACTOR = 6
_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 3.0


class Verification:
    """Judges answers. Used by the thread that asked; what it changes is the shipment in its hands.

    Args:
        window_s: how long a stream is asked before absence counts.
        count: adds to a named counter that outlives the process.
    """

    def __init__(self, window_s: float, undeliverable: Undeliverable, count: Callable[[str, int], None]) -> None:
        self._window_s = window_s
        self._undeliverable = undeliverable
        self._count = count
        self.is_allowed = True

    def pause_s(self, asked_count: int, dice: random.Random) -> float:
        """Seconds until the stream is asked again; GetLogEvents has a low quota an account, hence the jitter."""
        return backoff_s(asked_count, dice.random(), first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S)

    def not_allowed(self, error: AgentError) -> None:
        """GetLogEvents is forbidden: delivery is at least once, and ``status`` says so."""
        if self.is_allowed:
            _log.warning("confirmation_not_allowed", error=error.message)
        self.is_allowed = False

    def judge(self, answer: Answer) -> None:
        """Settle a shipment, leave it undecided, or have what is missing sent again."""
        self.is_allowed = True
        shipment = answer.shipment
        shipment.asked_count += 1
        if not answer.missing:
            self._arrived(answer)
        elif answer.asked_at >= shipment.attempted_at + self._window_of(answer):
            self.send_again(shipment, answer.missing)

    def send_again(self, shipment: Shipment, missing: list[int] | None) -> None:
        """Have a shipment sent again, or only the events that are missing of it (None: all)."""
        count = shipment.request.count
        if missing is not None and len(missing) < count:
            events = shipment.events()
            is_missing = set(missing)
            shipment.delivered += (
                (event.time_ms, event.message) for index, event in enumerate(events) if index not in is_missing
            )
            shipment.request = shipment.batch.composer.request([events[index] for index in missing])
            count = len(missing)
        self._count("log_ambiguous_events", count)
        self._count("log_ambiguous_batches", 1)
        _log.warning("batch_sent_again", path=shipment.batch.origin.path, events=count, asked=shipment.asked_count)
        shipment.progress = Progress.WAITING

    def _arrived(self, answer: Answer) -> None:
        shipment = answer.shipment
        if answer.refused:
            events = shipment.events()
            self._undeliverable.refused_unseen(shipment.batch, [events[index] for index in answer.refused])
        self._count("log_confirmed_batches", 1)
        _log.info("batch_confirmed", path=shipment.batch.origin.path, asked=shipment.asked_count)
        shipment.progress = Progress.SETTLED

    def _window_of(self, answer: Answer) -> float:
        is_old = answer.shipment.request.first_ms < (answer.asked_at - _OLD_EVENTS_S) * 1000
        return self._window_s * _OLD_EVENTS_FACTOR if is_old else self._window_s
