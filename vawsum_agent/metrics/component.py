"""The metrics capability as a component: one thread samples, one publishes; tells how they are."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import structlog

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.component import ComponentStatus, Problem, State
from vawsum_agent.core.errors import AccessDenied, AgentError, DrainTimeout, NotFound, Rejected, StateError
from vawsum_agent.core.pulse import Pulse
from vawsum_agent.core.units import counted
from vawsum_agent.metrics.aggregate.seal import Sealer
from vawsum_agent.metrics.catalogue import CATALOGUE
from vawsum_agent.metrics.clock_jumps import ClockJumps
from vawsum_agent.metrics.health import Note, notes, state_of
from vawsum_agent.metrics.publish.phase import phase_s
from vawsum_agent.metrics.publish.publisher import Publisher
from vawsum_agent.metrics.sample.rounds import Rounds
from vawsum_agent.metrics.sampler import Sampler
from vawsum_agent.state.metric_spool import ACCEPTED, DROPPED, REASONS, RESENT, SPOOLED, MetricSpool
from vawsum_agent.state.request_tallies import DROPPED_TALLIES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vawsum_agent.config.model import MetricsConfig
    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.core.metric import MetricSource
    from vawsum_agent.metrics.aggregate.seal import Tallies
    from vawsum_agent.metrics.publish.host import HostDimensions
    from vawsum_agent.metrics.publish.publisher import Client
    from vawsum_agent.state.store import Store

_log = structlog.get_logger()

_STOP_S = 2.0
_STORE_PAUSE_S = 1.0
_COUNT_EVERY_S = 5.0
_ROUND_SHARE = 0.6
"""Of the interval a round waits for slow sources. At the usual ten seconds their limit is over by then."""


class MetricsComponent:
    """Samples the host and its servers, and publishes what they tell to CloudWatch."""

    name = "metrics"

    def __init__(
        self,
        *,
        config: MetricsConfig,
        instance_id: str,
        store: Store,
        sources: Sequence[MetricSource],
        tallies: Tallies | None,
        client: Client,
        host: HostDimensions,
        clock: Clock,
    ) -> None:
        self._config = config
        self._clock = clock
        self._store = store
        self._host = host
        self._jumps = ClockJumps(clock)
        self._rounds = Rounds(sources, config.sample_interval * _ROUND_SHARE, clock)
        self._sources = [source.name for source in sources]
        self._spool = MetricSpool(store, config.spool_limit)
        self._publisher = Publisher(
            self._spool,
            client,
            config.namespace,
            phase_s(instance_id),
            clock,
            random.Random(),  # noqa: S311 - jitter
        )
        self._sealer = Sealer(self._spool, tallies, CATALOGUE, int(config.publish_interval * 1000))
        self._sampler = Sampler(
            rounds=self._rounds,
            spool=self._spool,
            sealer=self._sealer,
            sealed=self._publisher.sealed,
            jumps=self._jumps,
            interval_s=config.sample_interval,
            boot_id=store.boot_id,
            clock=clock,
        )
        self._pulse = Pulse(clock)
        self._is_draining = False
        self._is_stopped = False
        self._state = State.STARTING
        self._since = clock.now()
        self._failure: str | None = None
        self._counters: Mapping[str, int] = {}
        self._counted_at = float("-inf")
        self._is_booking_failing = False
        self._wakes = [threading.Event(), threading.Event()]
        self._threads = [
            threading.Thread(target=self._loop, args=(work, wake), name=name, daemon=True)
            for (name, work), wake in zip(
                (("sampler", self._sample), ("publisher", self._publish)), self._wakes, strict=True
            )
        ]

    # -- Component

    def start(self) -> None:
        """See `Component.start`. What an earlier process has left in rounds is sealed with the first turn."""
        self._counters = self._spool.counters()
        for thread in self._threads:
            thread.start()
        self._set_state(State.RUNNING)

    def drain(self, deadline: Deadline) -> None:
        """See `Component.drain`. The open period is published as far as it has come.

        Gives up early where only a person can help: others drain after this one, and sampling rests meanwhile.
        """
        before = self._publisher.progress
        self._set_state(State.DRAINING)
        self._is_draining = True
        self._wake()
        self._threads[0].join(max(0.0, deadline.remaining_s()))
        while not deadline.has_passed() and self._failure is None and self._has_work():
            if (progress := self._publisher.progress) is not before and is_hopeless(progress.error):
                break
            self._wake()
            time.sleep(min(0.05, deadline.remaining_s()))
        if self._has_work():
            error = self._publisher.progress.error
            why = f": {error.message}" if error else " in time"
            message = f"{counted(self._spool.waiting.data_count, 'datum', 'data')} not accepted{why}"
            raise DrainTimeout(message, hint="nothing is lost: they are published after the next start")

    def _has_work(self) -> bool:
        """Whether anything waits that is to be had by waiting: not what a wrong clock stamped for later."""
        try:
            return bool(self._spool.waiting.chunk_count) and self._publisher.has_work()
        except StateError:
            return True

    def stop(self) -> None:
        """See `Component.stop`."""
        self._is_stopped = True
        self._wake()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(_STOP_S)
        # One that hangs (in a request, in a round) ends later, beside those of the next component: not in its spool.
        self._spool.close()
        self._rounds.stop()
        # What the daemon writes down of itself last is not that of some seconds ago.
        with contextlib.suppress(StateError):
            self._counters = self._spool.counters()
        self._set_state(State.STOPPED)

    def is_alive(self) -> bool:
        """See `Component.is_alive`."""
        return self._is_draining or (self._sampler.pulse.is_alive() and self._pulse.is_alive())

    def status(self) -> ComponentStatus:
        """See `Component.status`."""
        waiting, progress = self._spool.waiting, self._publisher.progress
        found = self._notes()
        state = self._state
        if state is State.RUNNING:
            state = state_of(found, is_failed=self._failure is not None)
        problems = tuple(Problem(note.what, note.hint) for note in found if note.is_trouble)
        if self._failure is not None:
            problems = (Problem(self._failure, "the agent restarts this component; report it if it stays"), *problems)
        return ComponentStatus(
            name=self.name,
            state=state,
            since=self._since,
            last_success_at=progress.last_success_at,
            backlog_count=waiting.data_count,
            backlog_bytes=waiting.size_bytes,
            last_error=problems[0].what if problems else None,
            hint=problems[0].hint if problems else None,
            details=self._details(found),
            problems=problems,
        )

    def _notes(self) -> list[Note]:
        return notes(
            now=self._clock.now(),
            progress=self._publisher.progress,
            source_errors=self._sampler.errors,
            store_error=self._sampler.store_error,
            placing=self._host.problem,
            waiting=self._spool.waiting,
            limit_bytes=self._config.spool_limit,
            jump=self._jumps.latest(),
        )

    def _details(self, found: list[Note]) -> dict[str, Any]:
        counters, count = self._counters, self._sealer.latest_count
        return {
            "sources": {
                name: self._sampler.errors[name].message if name in self._sampler.errors else "ok"
                for name in self._sources
            },
            "last_round_at": None if self._sampler.last_round_at is None else rfc3339(self._sampler.last_round_at),
            "data_per_minute": None if count is None else round(count * 60 / self._config.publish_interval, 1),
            "spooled_data": counters.get(SPOOLED, 0),
            "accepted_data": counters.get(ACCEPTED, 0),
            "waiting_data": self._spool.waiting.data_count,
            "dropped_data_by_reason": {
                reason: count for reason in REASONS if (count := counters.get(DROPPED + reason, 0))
            },
            "resent_data": counters.get(RESENT, 0),
            "dropped_request_tallies": counters.get(DROPPED_TALLIES, 0),
            "left_out_values": self._sampler.left_out,
            "source_defects": self._sampler.defects,
            "lost_rounds": self._sampler.lost,
            "auto_scaling_group": self._host.group(),
            "problems": [{"what": note.what, "hint": note.hint} for note in found],
        }

    # -- threads

    def _wake(self) -> None:
        for wake in self._wakes:
            wake.set()

    def _loop(self, work: Callable[[], float | None], wake: threading.Event) -> None:
        try:
            while not self._is_stopped and (wait_s := work()) is not None:
                wake.wait(wait_s)
                wake.clear()
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self._failure = f"{type(exc).__name__}: {exc}"
            _log.exception("metrics_died")

    def _sample(self) -> float | None:
        """One turn of the sampler; None when it is over."""
        if self._is_draining:
            try:
                self._sampler.finish()
            except StateError as error:
                _log.warning("round_not_kept", error=error.message)
            return None
        return self._sampler.turn()

    def _publish(self) -> float:
        """One turn of the publisher."""
        self._pulse.beat(may_wait_s=30.0)
        self._host.look()
        dimensions = self._host.dimensions()
        # Both may take their time, where names can't be resolved: each has its own.
        self._pulse.beat(may_wait_s=30.0)
        try:
            self._recount()
            wait_s = 1.0
            if dimensions is not None or self._is_draining:
                wait_s = self._publisher.turn(dimensions or self._host.known(), is_draining=self._is_draining)
        except StateError as error:
            # Once, not each second: the journal may be on the disk that is full.
            if not self._is_booking_failing:
                _log.warning("metrics_not_booked", error=error.message)
            self._is_booking_failing = True
            return _STORE_PAUSE_S
        self._is_booking_failing = False
        return min(1.0, wait_s)

    def _recount(self) -> None:
        now = self._clock.monotonic()
        if now - self._counted_at >= _COUNT_EVERY_S or self._is_draining:
            self._counters = self._spool.counters()
            self._counted_at = now

    def _set_state(self, state: State) -> None:
        self._state = state
        self._since = self._clock.now()


def is_hopeless(error: AgentError | None) -> bool:
    """Whether somebody has to mend something before anything is accepted."""
    return isinstance(error, AccessDenied | NotFound | Rejected)
