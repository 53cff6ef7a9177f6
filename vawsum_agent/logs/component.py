"""The logs capability as a component: builds reader and shipper, runs them, tells how they are."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.aws.logs import LogsClient
from vawsum_agent.core.clock import Deadline
from vawsum_agent.core.component import ComponentStatus, State
from vawsum_agent.core.errors import AgentError, DrainTimeout
from vawsum_agent.core.units import format_bytes
from vawsum_agent.logs.deadletter import DeadLetters
from vawsum_agent.logs.follow.follower import Follower
from vawsum_agent.logs.follow.wake import Wake
from vawsum_agent.logs.formats.registry import make_format
from vawsum_agent.logs.health import assess
from vawsum_agent.logs.ledger import Ledger
from vawsum_agent.logs.read.reader import Reader
from vawsum_agent.logs.read.source import Source
from vawsum_agent.logs.ship.asker import Asker
from vawsum_agent.logs.ship.put import GroupSettings, Putter
from vawsum_agent.logs.ship.sender import Sender
from vawsum_agent.logs.ship.shipper import Shipper
from vawsum_agent.logs.ship.undeliverable import Undeliverable
from vawsum_agent.logs.ship.verification import Verification
from vawsum_agent.state.log_batches import LogBatches
from vawsum_agent.state.log_files import LogFiles

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import Config, LogsConfig
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.core.recent_requests import RecentRequests
    from vawsum_agent.logs.read.source import RequestCounter
    from vawsum_agent.logs.ship.shipment import Batch
    from vawsum_agent.state.store import Store

_log = structlog.get_logger()

_COUNTERS = (
    "log_ambiguous_batches",
    "log_ambiguous_events",
    "log_confirmed_batches",
    "log_dead_letters",
    "log_lost_files",
)
_STOP_S = 2.0
_DRAIN_TURN_S = 0.02


class LogsComponent:
    """Follows the configured files and ships their entries to CloudWatch Logs."""

    name = "logs"

    def __init__(
        self,
        config: Config,
        identity: Identity,
        store: Store,
        session: AwsSession,
        clock: Clock,
        *,
        counts_requests: bool = False,
        recent: RecentRequests | None = None,
    ) -> None:
        assert config.logs is not None  # noqa: S101 - wiring builds this component only where the table is present
        self._config: LogsConfig = config.logs
        self._store = store
        self._clock = clock
        self._files = LogFiles(store, forgotten=self._forget)
        self._journal = LogBatches(store)
        self._ledger = Ledger()
        self._letters = DeadLetters(Path(config.agent.state_dir) / "dead-letter", config.logs.dead_letter_limit)
        self._wake = Wake()
        self._counters: dict[str, int] = {}
        self._folded: dict[str, dict[str, object]] = {}
        undeliverable = Undeliverable(self._letters, self._count, clock)
        client = LogsClient(session)
        self._verification = Verification(config.logs.confirm_window, undeliverable, self._count)
        settings = GroupSettings(config.logs.retention_days, config.logs.kms_key_id)
        self._sender = Sender(Putter(client, settings), self._journal, undeliverable, clock)
        self._shipper = Shipper(
            sender=self._sender,
            asker=Asker(client, self._journal, self._recall_range, clock),
            settle=self._settle,
            notify=self._wake.set,
            verification=self._verification,
            buffer_bytes=config.logs.buffer,
            clock=clock,
            dice=random.Random(),  # noqa: S311 - jitter
        )
        is_counting = counts_requests or recent is not None
        request_counter = _request_counter(config, recent, keeps_tallies=counts_requests) if is_counting else None
        self._sources = [
            Source(
                source,
                identity,
                Follower(source, self._files, clock),
                make_format(source),
                flush_interval_s=config.logs.flush_interval,
                settle_s=min(config.logs.flush_interval / 2, 0.5),
                request_counter=request_counter if source.format == "apache-access" else None,
            )
            for source in config.logs.source
        ]
        self._reader = Reader(
            sources=self._sources,
            files=self._files,
            shipper=self._shipper,
            journal=self._journal,
            ledger=self._ledger,
            count=self._count,
            lagging_since=store.opened_at if store.may_lag else None,
            clock=clock,
        )
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)
        self._since = clock.now()
        self._state = State.STARTING
        self._is_draining = False
        self._is_stopped = False
        self._failure: AgentError | Exception | None = None

    # -- Component

    def start(self) -> None:
        """See `Component.start`."""
        self._folded = self._files.folded()
        self._ledger.begin(self._files.folded_dropped_bytes())
        self._counters = {name: self._store.counter(name) for name in _COUNTERS}
        for source in self._config.source:
            for record in self._files.of_source(source.name):
                self._ledger.open(record)
        self._thread.start()
        self._set_state(State.RUNNING)

    def drain(self, deadline: Deadline) -> None:
        """See `Component.drain`. What is not whole yet (an unfinished line) stays on the disk, after the checkpoint."""
        self._set_state(State.DRAINING)
        self._is_draining = True
        self._wake.set()
        while (remaining_s := deadline.remaining_s()) > 0 and self._failure is None:
            # In this order: what is read before the shipper is asked is with the shipper by then.
            if not self._has_work() and self._shipper.wait_idle(Deadline(self._clock, min(0.5, remaining_s))):
                return
            self._wake.set()
            time.sleep(_DRAIN_TURN_S)
        left = format_bytes(self._shipper.used_bytes())
        message = f"{left} read and not accepted at the deadline"
        raise DrainTimeout(message, hint="nothing is lost: it is sent after the next start")

    def stop(self) -> None:
        """See `Component.stop`."""
        self._is_stopped = True
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_STOP_S)
        self._shipper.stop(_STOP_S)
        self._wake.stop()
        self._reader.close()
        self._set_state(State.STOPPED)

    def is_alive(self) -> bool:
        """See `Component.is_alive`."""
        return self._reader.pulse.is_alive()

    def status(self) -> ComponentStatus:
        """See `Component.status`."""
        now = self._clock.now()
        pending, unread, oldest_at = self._ledger.totals()
        oldest_s = 0.0 if oldest_at is None else max(0.0, now - oldest_at)
        health = assess(
            failure=self._failure or self._shipper.failure,
            destinations=self._shipper.failing(),
            now_monotonic=self._clock.monotonic(),
            is_disk_full=self._store.is_disk_full,
            rebuilt_because=self._store.rebuilt_because,
            is_confirmation_allowed=self._verification.is_allowed,
            problems=[problem for source in self._sources for problem in source.follower.problems()],
        )
        state = self._state
        if state is State.RUNNING and health.state is not State.RUNNING:
            state = health.state
        return ComponentStatus(
            name=self.name,
            state=state,
            since=self._since,
            last_success_at=self._shipper.last_success_at,
            backlog_count=self._shipper.batch_count(),
            backlog_bytes=pending + unread,
            last_error=health.error,
            hint=health.hint,
            problems=health.problems,
            details={
                "files": self._ledger.rows(now),
                "folded": self._folded,
                "oldest_pending_s": round(oldest_s, 3),
                "in_flight_requests": self._shipper.in_flight(),
                "ambiguous": {
                    "batches": self._counters.get("log_ambiguous_batches", 0),
                    "events": self._counters.get("log_ambiguous_events", 0),
                },
                "confirmed_batches": self._counters.get("log_confirmed_batches", 0),
                "dead_letters": self._counters.get("log_dead_letters", 0),
                "lost_files": self._counters.get("log_lost_files", 0),
                "delivery": "effectively once" if self._verification.is_allowed else "at least once",
                "problems": health.notes,
            },
            measures={
                "vawsum_log_oldest_unsent_seconds": oldest_s,
                "vawsum_log_dropped_bytes": self._ledger.dropped_bytes,
            },
        )

    # -- threads

    def _run(self) -> None:
        try:
            was_woken = True
            while not self._is_stopped:
                wait_s = self._reader.turn(was_woken=was_woken, is_draining=self._is_draining)
                self._wake.watch(folder for source in self._sources for folder in source.follower.folders())
                was_woken = self._wake.wait(wait_s)
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self._failure = exc
            _log.exception("reader_died")

    def _has_work(self) -> bool:
        return not self._reader.has_seen_all or self._reader.has_work()

    def _recall_range(self, file_id: int, start: int, end: int) -> bytes | None:
        return self._reader.recall_range(file_id, start, end)

    def _settle(self, batch: Batch) -> None:
        """Book a batch whose requests all have their final answer. Raises StateError; then it is tried again."""
        file_id = batch.origin.file_id
        accepted = batch.accepted_bytes()
        checkpoint = self._journal.accept(self._recorded(batch), accepted, batch.dropped_bytes, batch.tallies)
        # If we die before this line the store knows all of it; the ledger in memory is built from the store.
        self._ledger.settle(file_id, accepted, batch.dropped_bytes)
        self._reader.checkpointed(file_id, checkpoint)

    def _forget(self, file_id: int) -> None:
        """A file is long gone: its row ends in the total of its source."""
        self._ledger.close(file_id)
        self._folded = self._files.folded()

    def _recorded(self, batch: Batch) -> int:
        """The journal's key; a batch of which nothing is sent (all too old, say) has none yet."""
        return self._sender.record(batch) if batch.batch_id is None else batch.batch_id

    def _count(self, name: str, by: int) -> None:
        self._counters[name] = self._counters.get(name, 0) + by
        try:
            self._store.count(name, by)
        except AgentError as exc:
            _log.warning("count_not_kept", counter=name, error=exc.message)

    def _set_state(self, state: State) -> None:
        self._state = state
        self._since = self._clock.now()


def _request_counter(config: Config, recent: RecentRequests | None, *, keeps_tallies: bool) -> RequestCounter:
    # What is not asked for costs no memory.
    from vawsum_agent.logs.requests.counter import RequestCounter  # noqa: PLC0415
    from vawsum_agent.logs.requests.visits import OwnVisits  # noqa: PLC0415

    own = OwnVisits(config.metrics.status_urls if config.metrics is not None else ())
    delay_s = config.logs.flush_interval if config.logs is not None else 0.0
    return RequestCounter(own, recent, keeps_tallies=keeps_tallies, delay_s=delay_s)
