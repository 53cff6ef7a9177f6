"""The way to one log stream: shipments in the order of the file, and which of them may travel at the same time.

Several requests may be in flight on one stream, but never two that share a moment of time: the service orders by
time alone, so what shares no time arrives in order whichever request is first, and a failed one can't be overtaken
by lines of its own second. It also means that the events of an undecided request can be told from all others.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from vawsum_agent.logs.ship.shipment import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.logs.ship.destination import Destination
    from vawsum_agent.logs.ship.shipment import Batch, Shipment


class Lane:
    """One log stream's queue. Guarded by the shipper's lock.

    Attributes:
        ask_at: when the stream is asked next about undecided shipments, monotonic; None when there is nothing to ask.
        is_asking: whether a sender is asking right now.
    """

    def __init__(self, stream: str, destination: Destination) -> None:
        self.stream = stream
        self.destination = destination
        self.ask_at: float | None = None
        self.is_asking = False
        self._shipments: deque[Shipment] = deque()

    def add(self, batch: Batch) -> None:
        """Queue all requests of a batch; one that perhaps arrived in an earlier life is asked about first."""
        if any(shipment.progress is Progress.UNDECIDED for shipment in batch.shipments) and self.ask_at is None:
            self.ask_at = 0.0
        self._shipments.extend(batch.shipments)
        self.destination.used_bytes += batch.length

    def next_sendable(self) -> Shipment | None:
        """Find the first waiting shipment that shares no time with an earlier unsettled one."""
        while self._shipments and self._shipments[0].progress is Progress.SETTLED:
            self._shipments.popleft()
        latest_ms = -1
        for shipment in self._shipments:
            if shipment.progress is Progress.SETTLED:
                continue
            if shipment.progress is Progress.WAITING:
                return shipment if shipment.request.first_ms > latest_ms else None
            latest_ms = max(latest_ms, shipment.request.last_ms)
        return None

    @property
    def is_in_doubt(self) -> bool:
        """Whether the stream is asked, or about to be; may be read without the lock."""
        return self.is_asking or self.ask_at is not None

    def undecided(self) -> list[Shipment]:
        """List the shipments whose last attempt had no clear answer."""
        return [shipment for shipment in self._shipments if shipment.progress is Progress.UNDECIDED]

    def waiting_count(self) -> int:
        """Count the shipments that were not sent yet, or are to be sent again."""
        return sum(shipment.progress is Progress.WAITING for shipment in self._shipments)

    def unsettled(self) -> Iterator[Shipment]:
        """Go through all that is not settled."""
        return (shipment for shipment in self._shipments if shipment.progress is not Progress.SETTLED)

    def take_back(self) -> list[Batch]:
        """Remove, from the end, the batches of which no request was ever sent or may have arrived."""
        taken: list[Batch] = []
        while self._shipments:
            batch = self._shipments[-1].batch
            if any(shipment.progress is not Progress.WAITING for shipment in batch.shipments):
                break
            for _ in batch.shipments:
                self._shipments.pop()
            self.destination.used_bytes -= batch.length
            taken.append(batch)
        return taken

    def is_idle(self) -> bool:
        """Whether nothing is queued."""
        return not any(True for _ in self.unsettled())
