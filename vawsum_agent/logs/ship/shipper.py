"""Gets batches to CloudWatch: a queue per stream, a handful of threads, and what follows from each answer.

One lock guards lanes and destinations; senders block outside it. Threads are started when all others are busy, so a
hanging destination costs a thread and no other destination its turn.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AccessDenied, AgentError
from vawsum_agent.logs.ship.destination import Destination
from vawsum_agent.logs.ship.lane import Lane
from vawsum_agent.logs.ship.sender import Outcome, Verdict
from vawsum_agent.logs.ship.shipment import Progress

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.logs.ship.asker import Asker
    from vawsum_agent.logs.ship.sender import Sender
    from vawsum_agent.logs.ship.shipment import Batch, Shipment
    from vawsum_agent.logs.ship.verification import Verification

_log = structlog.get_logger()

_THREADS = 64
_BUSY_THREADS = 16
"""When so many are busy, threads are scarce: a destination then has one to send and one to ask with, so that many
that hang at once leave some for those that are well."""


class Shipper:
    """Owns all batches between reading and acceptance.

    Args:
        settle: books a batch whose requests all have their final answer; called by a sender thread, may raise
            StateError, and is then called again later.
        notify: wakes the reader, since there may be room again.
        verification: what to do about undecided shipments.
    """

    def __init__(
        self,
        *,
        sender: Sender,
        asker: Asker,
        settle: Callable[[Batch], None],
        notify: Callable[[], None],
        verification: Verification,
        buffer_bytes: int,
        clock: Clock,
        dice: random.Random,
    ) -> None:
        self._sender = sender
        self._asker = asker
        self._settle = settle
        self._notify = notify
        self._verification = verification
        self._buffer_bytes = buffer_bytes
        self._clock = clock
        self._dice = dice
        self._changed = threading.Condition()
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._busy_lanes: dict[Lane, None] = {}
        self._destinations: dict[str, Destination] = {}
        self._unbooked: list[Batch] = []
        self._book_at = 0.0
        self._used_bytes = 0
        self._threads: list[threading.Thread] = []
        self._idle_threads = 0
        self._is_stopped = False
        self.last_success_at: float | None = None
        self.failure: str | None = None

    def lane(self, group: str, stream: str) -> Lane:
        """Find or open the way to a stream."""
        with self._changed:
            key = (group, stream)
            if key not in self._lanes:
                destination = self._destinations.setdefault(group, Destination(group, self._dice))
                self._lanes[key] = Lane(stream, destination)
            return self._lanes[key]

    def may_queue(self, lane: Lane) -> bool:
        """Whether another batch of a lane can be of use: not while it fails, nor when enough of them wait already."""
        with self._changed:
            destination = lane.destination
            return (
                destination.may_queue(self._clock.monotonic()) and lane.waiting_count() <= destination.in_flight_limit
            )

    def room(self) -> int:
        """Count the bytes that the buffer has left."""
        with self._changed:
            return self._buffer_bytes - self._used_bytes

    def used_bytes(self) -> int:
        """Count the bytes read and not yet settled."""
        return self._used_bytes

    def submit(self, lane: Lane, batch: Batch) -> None:
        """Queue a batch. One without requests (all of it dropped) is booked at once."""
        with self._changed:
            self._used_bytes += batch.length
            lane.add(batch)
            self._busy_lanes[lane] = None
            if not batch.shipments:
                self._unbooked.append(batch)
            self._changed.notify()
            if self._idle_threads == 0:
                self._start_thread()

    def take_back_failing(self) -> list[Batch]:
        """Give back what waits for failing destinations, so that the buffer is there for those that are well."""
        with self._changed:
            taken = []
            for lane in list(self._busy_lanes):
                if lane.destination.failures > 1:
                    taken += lane.take_back()
            for batch in taken:
                self._used_bytes -= batch.length
            return taken

    def wait_idle(self, deadline: Deadline) -> bool:
        """Wait until nothing is left to settle; False when the deadline came first."""
        with self._changed:
            while self._used_bytes and not deadline.has_passed():
                self._changed.wait(min(deadline.remaining_s(), 1.0))
            return not self._used_bytes

    def stop(self, timeout_s: float) -> None:
        """End the threads; those inside a request are left behind, and their batches stay in the journal."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        ends_at = self._clock.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, ends_at - self._clock.monotonic()))

    def is_alive(self) -> bool:
        """Whether no thread died of a defect."""
        return self.failure is None

    def failing(self) -> list[Destination]:
        """List the destinations that fail now."""
        with self._changed:
            return [destination for destination in self._destinations.values() if destination.failures]

    def batch_count(self) -> int:
        """Count the batches that are not settled."""
        with self._changed:
            return len({id(shipment.batch) for lane in self._busy_lanes for shipment in lane.unsettled()})

    def in_flight(self) -> int:
        """Count the requests on their way now."""
        with self._changed:
            return sum(destination.in_flight for destination in self._destinations.values())

    def oldest_noticed(self) -> dict[int, float]:
        """Tell since when each file has had unsettled bytes here: file_id → wall time."""
        with self._changed:
            oldest: dict[int, float] = {}
            for lane in self._busy_lanes:
                for shipment in lane.unsettled():
                    batch = shipment.batch
                    file_id = batch.origin.file_id
                    oldest[file_id] = min(batch.noticed_at, oldest.get(file_id, batch.noticed_at))
            return oldest

    # -- the sender threads

    def _work(self) -> None:
        try:
            while job := self._next_job():
                job()
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self.failure = f"{type(exc).__name__}: {exc}"
            _log.exception("sender_died")

    def _start_thread(self) -> None:
        if len(self._threads) < _THREADS and not self._is_stopped:
            thread = threading.Thread(target=self._work, name=f"sender-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _next_job(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._is_stopped:
                job = self._find_job()
                if job is not None:
                    # One stays idle, to look after the clock and what else comes up while this one is busy.
                    if self._idle_threads == 0:
                        self._start_thread()
                    return job
                wait_s = self._wait_s()
                self._idle_threads += 1
                self._changed.wait(wait_s)
                self._idle_threads -= 1
            return None

    def _find_job(self) -> Callable[[], None] | None:
        now = self._clock.monotonic()
        if self._unbooked and now >= self._book_at:
            batch = self._unbooked.pop(0)
            return lambda: self._book(batch)
        is_scarce = self._is_scarce()
        for lane in list(self._busy_lanes):
            if lane.is_idle():
                del self._busy_lanes[lane]
                continue
            job = self._job_of(lane, now, is_scarce=is_scarce)
            if job is not None:
                # The next one to look takes another lane first.
                del self._busy_lanes[lane]
                self._busy_lanes[lane] = None
                return job
        return None

    def _job_of(self, lane: Lane, now: float, *, is_scarce: bool) -> Callable[[], None] | None:
        is_due = lane.ask_at is not None and now >= lane.ask_at and not lane.is_asking
        if is_due and lane.destination.may_ask(is_scarce=is_scarce):
            shipments = lane.undecided()
            if shipments:
                lane.is_asking = True
                lane.destination.asking += 1
                return lambda: self._ask(lane, shipments)
            lane.ask_at = None
        if lane.destination.may_send(now, is_scarce=is_scarce):
            shipment = lane.next_sendable()
            if shipment is not None:
                shipment.progress = Progress.SENDING
                lane.destination.in_flight += 1
                return lambda: self._send(lane, shipment)
        return None

    def _is_scarce(self) -> bool:
        return len(self._threads) - self._idle_threads > _BUSY_THREADS

    def _wait_s(self) -> float | None:
        """Seconds until time alone makes something possible; None when only an event can."""
        now = self._clock.monotonic()
        is_scarce = self._is_scarce()
        moments = [self._book_at] if self._unbooked else []
        for lane in self._busy_lanes:
            if lane.ask_at is not None and not lane.is_asking and lane.destination.may_ask(is_scarce=is_scarce):
                moments.append(lane.ask_at)
            if lane.destination.not_before > now:
                moments.append(lane.destination.not_before)
        return max(0.01, min(moments) - now) if moments else None

    def _send(self, lane: Lane, shipment: Shipment) -> None:
        started_at = self._clock.monotonic()
        outcome = self._sender.send(shipment)
        with self._changed:
            lane.destination.answered(self._clock.monotonic() - started_at)
            lane.destination.in_flight -= 1
            self._note(lane, outcome)
            if outcome.verdict is Verdict.ACCEPTED:
                # This thread looks for what may follow by itself: waking another for it would cost two switches.
                shipment.progress = Progress.SETTLED
            elif outcome.verdict is Verdict.RETRY:
                shipment.progress = Progress.WAITING
            else:
                shipment.progress = Progress.UNDECIDED
                shipment.attempted_at = self._clock.now()
                shipment.asked_count = 0
                lane.ask_at = self._clock.monotonic() + self._verification.pause_s(0, self._dice)
            if outcome.verdict is not Verdict.ACCEPTED:
                self._changed.notify()
        self._book_if_settled(shipment.batch)

    def _note(self, lane: Lane, outcome: Outcome) -> None:
        if outcome.error is None:
            if lane.destination.failures:
                _log.info("destination_recovered", group=lane.destination.group)
                self._changed.notify_all()
            lane.destination.succeeded()
            self.last_success_at = self._clock.now()
            return
        if not lane.destination.failures:
            _log.warning("destination_failing", group=lane.destination.group, error=outcome.error.message)
        if outcome.has_progressed:
            # Finding a poisoned event takes many requests: one of them failing now and then is no failure in a row.
            lane.destination.succeeded()
        lane.destination.failed(outcome.error, self._clock.monotonic())

    def _ask(self, lane: Lane, shipments: list[Shipment]) -> None:
        try:
            answers = self._asker.ask(shipments)
        except AccessDenied as exc:
            self._verification.not_allowed(exc)
            for shipment in shipments:
                self._verification.send_again(shipment, missing=None)
            self._asked(lane, shipments, again_in_s=None)
            return
        except AgentError as exc:
            _log.warning("stream_not_readable", stream=lane.stream, error=exc.message)
            self._asked(lane, shipments, again_in_s=self._verification.pause_s(4, self._dice))
            return
        for answer in answers:
            self._verification.judge(answer)
        left = [shipment for shipment in shipments if shipment.progress is Progress.UNDECIDED]
        tries = min((shipment.asked_count for shipment in left), default=0)
        self._asked(lane, shipments, again_in_s=self._verification.pause_s(tries, self._dice) if left else None)

    def _asked(self, lane: Lane, shipments: list[Shipment], again_in_s: float | None) -> None:
        with self._changed:
            lane.is_asking = False
            lane.destination.asking -= 1
            # A shipment may have become undecided while this one asked.
            is_needed = again_in_s is not None or bool(lane.undecided())
            lane.ask_at = self._clock.monotonic() + (again_in_s or 0.0) if is_needed else None
            self._changed.notify()
        for batch in {id(shipment.batch): shipment.batch for shipment in shipments}.values():
            self._book_if_settled(batch)

    def _book_if_settled(self, batch: Batch) -> None:
        with batch.lock:
            if batch.is_booked or not batch.is_settled():
                return
            batch.is_booked = True
        self._book(batch)

    def _book(self, batch: Batch) -> None:
        try:
            self._settle(batch)
        except AgentError as exc:
            # Accepted and not written down: the journal still says "sent", so a crash now asks the stream about it.
            _log.warning("batch_not_booked", path=batch.origin.path, error=exc.message)
            with self._changed:
                self._unbooked.append(batch)
                self._book_at = self._clock.monotonic() + 1.0
            return
        with self._changed:
            self._used_bytes -= batch.length
            self._destinations[batch.composer.group].used_bytes -= batch.length
            self._changed.notify_all() if not self._used_bytes else None
        self._notify()
