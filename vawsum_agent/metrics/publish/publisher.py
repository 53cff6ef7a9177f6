"""Sends what is in the spool: what is fresh when it is due, in between what waits, oldest first. One thread.

A request is marked in the spool before it is sent. There is no token that would make CloudWatch see a second one as
the same, so what had no answer is sent again and counted: perhaps it is there twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.core.errors import AgentError, AwsError, Rejected, Unavailable
from vawsum_agent.metrics.aggregate.period import halves
from vawsum_agent.metrics.publish.request import MOST_CHUNKS, MOST_DATA, body_of, fill

if TYPE_CHECKING:
    import random

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.metric import Dimensions
    from vawsum_agent.state.metric_spool import Chunk, MetricSpool

_log = structlog.get_logger()

OLDEST_S = 14 * 86400 - 600
"""CloudWatch takes two weeks back (API: MetricDatum, Timestamp); ten minutes are for the way there."""

NEWEST_S = 2 * 3600 - 300
"""It takes two hours ahead. What a clock that was wrong stamped later than that waits until its time has come."""

LONGEST_WAIT_S = 14 * 86400
"""Whose time comes later than that, has a time that is wrong, and would be in the way of every drain until then."""

_SKEW_S = 300.0
"""AWS refuses requests of a clock that is further off (Signature Version 4)."""

_EVER_MS = 2**62
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_BETWEEN_REQUESTS_S = 0.2
"""Five requests a second are 5,000 data: two weeks of one host in a quarter of an hour, and no load for an account."""


class Client(Protocol):
    """What is needed of CloudWatch."""

    def put(self, namespace: str, body: bytes) -> None:
        """Publish the data of a request. Raises AwsError."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How publishing goes: for ``status``. Times are wall times."""

    last_success_at: float | None = None
    failing_since: float | None = None
    error: AgentError | None = None


class Publisher:
    """Publishes from the spool. `turn` is the body of the thread's loop."""

    def __init__(
        self, spool: MetricSpool, client: Client, namespace: str, phase_s: float, clock: Clock, dice: random.Random
    ) -> None:
        self._spool = spool
        self._client = client
        self._namespace = namespace
        self._phase_s = phase_s
        self._clock = clock
        self._dice = dice
        self._fresh_from_ms = 0
        self._fresh_at: float | None = None
        self._not_before = 0.0
        self._failures = 0
        self._is_hurrying = False
        self._alone: set[int] = set()
        self._blamed: set[int] = set()
        self._has_accepted_since = False
        self._proven_offset_s: float | None = None
        self._accepted: list[Chunk] = []
        self.progress = Progress()

    def sealed(self, first_ms: int) -> None:
        """Take note that periods from ``first_ms`` on were sealed just now: they are due at this host's moment."""
        self._fresh_at = self._clock.monotonic() + self._phase_s
        self._fresh_from_ms = first_ms

    def turn(self, dimensions: Dimensions, *, is_draining: bool = False) -> float:
        """Send at most one request; returns how many seconds from now there may be another one. Raises StateError."""
        if self._accepted:
            self._book()
        now = self._clock.monotonic()
        if is_draining and not self._is_hurrying:
            # The daemon is about to end: it is tried once more at once, still with the oldest alone where it failed.
            self._is_hurrying, self._not_before, self._failures = True, 0.0, min(self._failures, 1)
        if now < self._not_before:
            return self._not_before - now
        chunks = self._next(now, is_draining=is_draining)
        if not chunks:
            return 1.0 if self._fresh_at is None else max(0.05, self._fresh_at - now)
        taken, data = next(fill(chunks, dimensions))
        if not data:
            # A body that can't be read again stays unreadable.
            self._give_up(taken, "refused")
        else:
            self._send(taken, data)
        return max(0.0, self._not_before - self._clock.monotonic())

    def has_work(self) -> bool:
        """Whether anything waits that CloudWatch would take by now. Raises StateError."""
        return bool(self._spool.chunks(*self._window_ms(), 1))

    def _window_ms(self) -> tuple[int, int]:
        """Tell of which periods CloudWatch takes data now."""
        wall_s = self._clock.now()
        return int((wall_s - OLDEST_S) * 1000), int((wall_s + NEWEST_S) * 1000)

    def _next(self, now: float, *, is_draining: bool) -> list[Chunk]:
        self._expire()
        first_ms, end_ms = self._window_ms()
        if self._failures:
            # While CloudWatch fails it is tried with the oldest alone: without an answer it is perhaps there twice.
            return self._unblamed(first_ms, end_ms)
        if self._fresh_at is not None and (now >= self._fresh_at or is_draining):
            fresh = self._spool.chunks(self._fresh_from_ms, end_ms, MOST_CHUNKS)
            if fresh:
                return self._unrefused(fresh)
            self._fresh_at = None
        # What is fresh waits for its moment; without any, all that is left waits no longer.
        before_ms = end_ms if self._fresh_at is None else min(end_ms, self._fresh_from_ms)
        return self._unrefused(self._spool.chunks(first_ms, before_ms, MOST_CHUNKS))

    def _expire(self) -> None:
        """Drop what is not taken any more, by a clock that AWS goes by, too: a wrong one would take all for old."""
        wall_s = self._clock.now()
        offset_s = wall_s - self._clock.monotonic()
        if self._proven_offset_s is None or abs(offset_s - self._proven_offset_s) > _SKEW_S:
            return
        while expired := self._spool.chunks(0, int((wall_s - OLDEST_S) * 1000), MOST_CHUNKS):
            self._give_up(expired, "too_old")
        while absurd := self._spool.chunks(int((wall_s + LONGEST_WAIT_S) * 1000), _EVER_MS, MOST_CHUNKS):
            self._give_up(absurd, "too_new")

    def _unblamed(self, first_ms: int, end_ms: int) -> list[Chunk]:
        """Give the oldest that was not refused by itself: if another one is taken, those that were are to blame."""
        for chunk in self._spool.chunks(first_ms, end_ms, len(self._blamed) + 1):
            if chunk.chunk_id not in self._blamed:
                return [chunk]
        self._blamed.clear()
        return self._spool.chunks(first_ms, end_ms, 1)

    def _unrefused(self, chunks: list[Chunk]) -> list[Chunk]:
        """Send one alone that was in a refused request, so that it is found which one is to blame."""
        suspect = next((chunk for chunk in chunks if chunk.chunk_id in self._alone), None)
        if suspect is not None:
            return [suspect]
        return chunks

    def _send(self, chunks: list[Chunk], data: list[bytes]) -> None:
        try:
            self._spool.begin(chunks)
            # If we die from here on, the next start sends them again and counts them.
            self._client.put(self._namespace, body_of(self._namespace, data))
        except Rejected as error:
            self._refused(chunks, error)
        except AgentError as error:
            self._failed(chunks, error)
        else:
            self._alone.difference_update(chunk.chunk_id for chunk in chunks)
            self._has_accepted_since = True
            self._accepted = chunks
            self._succeeded(len(data))
            self._book()

    def _book(self) -> None:
        """Write down what CloudWatch has taken; where that fails it is tried again before anything else is sent."""
        # If we die here, CloudWatch has them and the spool does not know: they are sent again and counted.
        self._spool.accepted(self._accepted)
        self._accepted = []

    def _succeeded(self, data_count: int) -> None:
        if self.progress.failing_since is not None:
            _log.info("metrics_published_again")
        self.progress = Progress(last_success_at=self._clock.now())
        self._failures = 0
        self._blamed.clear()
        self._proven_offset_s = self._clock.now() - self._clock.monotonic()
        self._not_before = self._clock.monotonic() + _BETWEEN_REQUESTS_S
        _log.debug("metrics_published", data=data_count)

    def _failed(self, chunks: list[Chunk], error: AgentError) -> None:
        is_provably_not_done = isinstance(error, AwsError) and not (isinstance(error, Unavailable) and error.maybe_done)
        if is_provably_not_done and chunks:
            # If this fails or we die before it, they stay marked, and are counted as sent again for nothing.
            self._spool.not_done(chunks)
        since = self.progress.failing_since
        if since is None:
            _log.warning("metrics_not_published", error=error.message, hint=error.hint)
            since = self._clock.now()
        self.progress = Progress(self.progress.last_success_at, since, error)
        pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._not_before = self._clock.monotonic() + pause_s * self._dice.uniform(0.5, 1.0)

    def _refused(self, chunks: list[Chunk], error: Rejected) -> None:
        """Find what is wrong by sending the parts by themselves; everything else goes through."""
        self._spool.not_done(chunks)
        is_suspect = chunks[0].chunk_id in self._alone
        if not is_suspect:
            self._has_accepted_since = False
        if len(chunks) > 1:
            self._alone.update(chunk.chunk_id for chunk in chunks)
        elif chunks[0].data_count > 1:
            self._alone.update(self._spool.divide(chunks[0], halves(chunks[0])))
            self._alone.discard(chunks[0].chunk_id)
        elif self._has_accepted_since:
            self._alone.discard(chunks[0].chunk_id)
            self._give_up(chunks, "refused", error.message)
        else:
            # Nothing else was taken since: the fault may lie in what all data have in common.
            self._alone.add(chunks[0].chunk_id)
            self._blame(chunks[0].chunk_id)
            self._failed([], error)
            return
        self._not_before = self._clock.monotonic() + _BETWEEN_REQUESTS_S

    def _blame(self, chunk_id: int) -> None:
        # As many as one request holds and none of them taken: it is not them. No more are taken apart then.
        if len(self._blamed) >= MOST_DATA:
            self._blamed.clear()
        self._blamed.add(chunk_id)

    def _give_up(self, chunks: list[Chunk], reason: str, error: str = "") -> None:
        self._spool.drop(chunks, reason)
        _log.warning("metrics_dropped", reason=reason, data=sum(chunk.data_count for chunk in chunks), error=error)
