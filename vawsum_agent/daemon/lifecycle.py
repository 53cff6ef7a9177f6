"""The daemon's main loop: start, watch, reload, drain, stop. Wakes once a second and for every request.

Nothing that can block runs on the main thread, so a second SIGTERM always ends the process, and the watchdog is fed
for as long as all is well.
"""

from __future__ import annotations

import contextlib
import queue
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.config.summary import NOTHING, NOTHING_HINT, does_nothing
from vawsum_agent.core.component import State
from vawsum_agent.core.errors import AgentError
from vawsum_agent.daemon.operation import CuttableDeadline, Operation
from vawsum_agent.daemon.requests import Drain, DrainReport, Finished, Inbox, Reload, Request, Stop
from vawsum_agent.daemon.snapshot import Facts, Notice, document, own_status, refusal, status_line
from vawsum_agent.daemon.supervised import DrainOutcome
from vawsum_agent.daemon.supervisor import Supervisor, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vawsum_agent.config.load import Loaded
    from vawsum_agent.core.board import StatusBoard
    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.core.component import ComponentStatus
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.daemon.notify import Notifier

_log = structlog.get_logger()

TURN_S = 1.0
SNAPSHOT_EVERY_S = 15.0
START_TIMEOUT_S = 60.0


class SnapshotStore(Protocol):
    """What the daemon itself needs of the state store."""

    def save_snapshot(self, body: Mapping[str, object]) -> None:
        """Keep the status for when the daemon is down."""
        ...

    def save_copy(self) -> None:
        """Keep a copy of the store for when the file is damaged."""
        ...

    def recover_reserve(self) -> None:
        """Set the reserve aside again when the disk has room."""
        ...


@dataclass(frozen=True, slots=True)
class OwnProcess:
    """What the daemon asks of its process.

    Attributes:
        guard_exit: called when a stop begins, with the seconds it may take: the process ends by then, whatever hangs.
        give_memory_back: called now and then.
    """

    pid: int
    guard_exit: Callable[[float], None]
    give_memory_back: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Generation:
    """What one configuration became; a reload builds the next one."""

    loaded: Loaded
    identity: Identity
    supervisor: Supervisor


class Daemon:
    """Runs the components of one configuration until it is told to stop.

    Args:
        first: what to run.
        next_generation: reads the configuration again and builds from it; raises AgentError.
        store: keeps the status for when the daemon is down.
        notifier: tells systemd.
        process: its own.
        board: where it posts how the components are, for those that tell others.
    """

    def __init__(
        self,
        first: Generation,
        *,
        version: str,
        next_generation: Callable[[], Generation],
        store: SnapshotStore,
        notifier: Notifier,
        clock: Clock,
        process: OwnProcess,
        board: StatusBoard,
    ) -> None:
        self.inbox: Inbox = queue.SimpleQueue()
        self._running = first
        self._next_generation = next_generation
        self._store = store
        self._notifier = notifier
        self._clock = clock
        self._process = process
        self._board = board
        self._version, self._started_at = version, clock.now()
        self._operation: Operation | None = None
        self._state: State | None = State.STARTING
        self._is_reload_wanted = False
        self._stop_by: CuttableDeadline | None = None
        self._refused: AgentError | None = None
        self._exit_code: int | None = None
        self._turn_s = min(TURN_S, notifier.watchdog_interval_s or TURN_S)
        self._next_feed = self._next_snapshot = 0.0

    def run(self) -> int:
        """Start everything and stay until told to stop; returns the exit code."""
        _log.info("agent_started", version=self._version, files=list(map(str, self._running.loaded.files)))
        self._tell_of_nothing()
        self._begin("start", START_TIMEOUT_S, self._start)
        while self._exit_code is None:
            self._turn()
        self._save_snapshot()
        _log.info("agent_stopped", exit_code=self._exit_code)
        return self._exit_code

    def status(self) -> dict[str, object]:
        """The document of ``status --json``; may be called by any thread."""
        return self._document(self._running.supervisor.statuses())

    def _document(self, components: Sequence[ComponentStatus]) -> dict[str, object]:
        running, notices = self._running, self._notices()
        files = tuple(map(str, running.loaded.files))
        state = self._state or worst([component.state for component in components])
        if state is State.RUNNING and self._refused is not None:
            state = State.DEGRADED
        facts = Facts(self._version, running.identity, self._process.pid, self._started_at, files)
        return document(facts, state, components, notices)

    def drain(self, timeout_s: float) -> DrainReport:
        """Flush everything and go on; called by the control socket's threads, returns when it is over."""
        request = Drain(timeout_s)
        self.inbox.put(request)
        return request.reply.get()

    def _notices(self) -> list[Notice]:
        notices = [] if self._refused is None else [refusal(self._refused)]
        if does_nothing(self._running.loaded.config):
            notices.append(Notice(NOTHING, NOTHING_HINT))
        return notices

    def _turn(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._handle(self.inbox.get(timeout=self._turn_s))
        if self._operation is None:
            self._running.supervisor.tick()
            self._begin_what_is_wanted()
        self._feed_watchdog()
        if self._clock.monotonic() >= self._next_snapshot:
            self._save_snapshot()
            self._process.give_memory_back()

    def _handle(self, request: Request) -> None:
        match request:
            case Stop(reason):
                self._stop(reason)
            case Reload():
                self._is_reload_wanted = True
            case Drain() if self._operation is not None or self._stop_by is not None:
                request.reply.put(DrainReport(is_refused=True))
            case Drain(timeout_s):
                self._begin("drain", timeout_s, lambda deadline: self._drain_and_go_on(deadline, request))
            case Finished(name):
                self._operation = None
                self._exit_code = 0 if name == "stop" else self._exit_code

    def _begin(self, name: str, timeout_s: float, work: Callable[[Deadline], None]) -> None:
        self._operation = Operation(name, self._clock, timeout_s, work)
        self._operation.begin(lambda: self.inbox.put(Finished(name)))

    def _begin_what_is_wanted(self) -> None:
        if self._exit_code is not None:
            return
        if self._stop_by is not None:
            self._begin("stop", self._stop_by.remaining_s(), self._drain_and_stop)
        elif self._is_reload_wanted:
            self._is_reload_wanted = False
            self._begin("reload", self._running.loaded.config.agent.drain_timeout, self._reload)

    def _stop(self, reason: str) -> None:
        if self._stop_by is not None:
            _log.warning("stop_forced", reason=reason)
            self._exit_code = 1
            return
        timeout_s = self._running.loaded.config.agent.drain_timeout
        _log.info("stop_requested", reason=reason, drain_timeout_s=timeout_s)
        self._notifier.stopping()
        self._process.guard_exit(timeout_s)
        self._stop_by = CuttableDeadline(self._clock, timeout_s)
        self._state = State.DRAINING
        if self._operation is not None:
            self._operation.deadline.cut(0.0)

    def _start(self, _deadline: Deadline) -> None:
        self._start_running()
        self._notifier.ready()

    def _start_running(self) -> None:
        if self._stop_by is None:
            self._running.supervisor.start()
        if self._stop_by is None:
            self._state = None

    def _drain_and_stop(self, deadline: Deadline) -> None:
        self._running.supervisor.drain(deadline)
        self._running.supervisor.stop()
        self._state = State.STOPPED

    def _drain_and_go_on(self, deadline: Deadline, request: Drain) -> None:
        """Flush, then start anew: draining ends a component's intake for good."""
        report = DrainReport([DrainOutcome("daemon", "the drain itself failed")])
        self._state = State.DRAINING
        try:
            report = DrainReport(self._running.supervisor.drain(deadline))
            self._running.supervisor.stop()
            self._start_running()
        finally:
            request.reply.put(report)

    def _reload(self, deadline: Deadline) -> None:
        self._notifier.reloading()
        try:
            following = self._next_generation()
        except AgentError as error:
            self._refused = error
            _log.error("config_refused", error=error.message, hint=error.hint)
        else:
            self._refused = None
            self._running.supervisor.drain(deadline)
            self._running.supervisor.stop()
            self._running = following
            self._start_running()
            _log.info("config_reloaded", files=list(map(str, following.loaded.files)))
            self._tell_of_nothing()
        self._notifier.ready()

    def _tell_of_nothing(self) -> None:
        if does_nothing(self._running.loaded.config):
            _log.warning("nothing_switched_on", error=NOTHING, hint=NOTHING_HINT)

    def _feed_watchdog(self) -> None:
        interval_s, now = self._notifier.watchdog_interval_s, self._clock.monotonic()
        if interval_s is not None and now >= self._next_feed and self._is_well():
            self._next_feed = now + interval_s - self._turn_s
            self._notifier.feed_watchdog()

    def _is_well(self) -> bool:
        if self._operation is not None:
            return not self._operation.is_hanging()
        return self._running.supervisor.is_well()

    def _save_snapshot(self) -> None:
        self._next_snapshot = self._clock.monotonic() + SNAPSHOT_EVERY_S
        components = self._running.supervisor.statuses()
        self._board.post(self._clock.now(), [*components, own_status(self._started_at, self._refused)])
        status = self._document(components)
        self._notifier.status(status_line(status))
        try:
            self._store.recover_reserve()
            self._store.save_snapshot(status)
            self._store.save_copy()
        except AgentError as error:
            _log.warning("snapshot_not_saved", error=error.message)
