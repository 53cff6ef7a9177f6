"""The alerts capability as a component: one thread that looks, decides, keeps and sends."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.alerts.message import Writer
from vawsum_agent.alerts.outbox import Outbox
from vawsum_agent.alerts.send import Publisher, Sender, is_hopeless, remedy
from vawsum_agent.alerts.watch import Watch
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.component import ComponentStatus, State
from vawsum_agent.core.errors import AgentError, DrainTimeout
from vawsum_agent.core.pulse import Pulse
from vawsum_agent.core.units import counted
from vawsum_agent.state.notifications import Notifications

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import Config
    from vawsum_agent.core.board import StatusBoard
    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.state.store import Store

_log = structlog.get_logger()

TURN_S = 1.0
_TOLERATED_S = 10.0
"""Failing for less is a hiccup; the backlog shows it anyway."""

_SENDING_S = 30.0
"""The longest that one request may take, credentials included."""

_STOP_S = 2.0
_DRAIN_TURN_S = 0.02


class AlertsComponent:
    """Tells people through SNS what turned bad, and what is well again.

    Args:
        config: with its ``[notify]`` table.
        identity: who the host is, for the messages.
        store: where decisions and the outbox live.
        publisher: an `SnsClient`.
        board: where the daemon posts how its components are.
        clock: wall and monotonic time.
        group: names the host's Auto Scaling group as far as it is known by then; must not block.
    """

    name = "alerts"

    def __init__(
        self,
        config: Config,
        identity: Identity,
        store: Store,
        publisher: Publisher,
        board: StatusBoard,
        clock: Clock,
        group: Callable[[], str | None] = lambda: None,
    ) -> None:
        assert config.notify is not None  # noqa: S101 - wiring builds this component only where the table is present
        self._topic_arn = config.notify.sns_topic_arn
        self._board = board
        self._clock = clock
        self._rows = Notifications(store)
        self._outbox = Outbox(self._rows)
        self._writer = lambda: Writer(identity, group())
        dice = random.Random()  # noqa: S311 - jitter
        self._sender = Sender(publisher, self._topic_arn, self._outbox, self._writer, clock, dice)
        self._pulse = Pulse(clock)
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)
        self._since = clock.now()
        self._state = State.STARTING
        self._turns = 0
        self._is_draining = False
        self._is_stopped = False
        self._failure: Exception | None = None

    # -- Component

    def start(self) -> None:
        """See `Component.start`. Raises StateError."""
        self._watch = Watch(self.name, self._board, self._outbox, self._rows.memories(), self._writer, self._clock)
        self._outbox.next()
        self._thread.start()
        self._set_state(State.RUNNING)

    def drain(self, deadline: Deadline) -> None:
        """See `Component.drain`. Gives up early where waiting can't help; what is left stays in the store."""
        self._set_state(State.DRAINING)
        self._is_draining = True
        before = self._turns
        while deadline.remaining_s() > 0 and self._failure is None:
            self._wake.set()
            has_tried = self._turns > before + 1
            if has_tried and (not self._outbox.waiting or is_hopeless(self._sender.error)):
                break
            time.sleep(_DRAIN_TURN_S)
        if self._outbox.waiting or self._failure is not None:
            error = self._failure or self._sender.error
            why = error.message if isinstance(error, AgentError) else error
            message = f"{counted(self._outbox.waiting, 'notification')} not sent" + (f": {why}" if why else "")
            raise DrainTimeout(message, hint="nothing is lost: they are sent after the next start")

    def stop(self) -> None:
        """See `Component.stop`."""
        self._is_stopped = True
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_STOP_S)
        self._set_state(State.STOPPED)

    def is_alive(self) -> bool:
        """See `Component.is_alive`."""
        return self._pulse.is_alive()

    def status(self) -> ComponentStatus:
        """See `Component.status`."""
        state, error, hint = self._health()
        return ComponentStatus(
            name=self.name,
            state=state,
            since=self._since,
            last_success_at=self._sender.last_sent_at,
            backlog_count=self._outbox.waiting,
            last_error=error,
            hint=hint,
            details={
                "topic": self._topic_arn,
                "sent": self._outbox.sent,
                "waiting": self._outbox.waiting,
                "folded": self._outbox.folded,
                "dropped": self._outbox.dropped,
                "last_message": self._last_message(),
            },
        )

    # -- what it says of itself

    def _health(self) -> tuple[State, str | None, str | None]:
        if self._failure is not None:
            hint = "the agent restarts this component; report it if it stays"
            return State.FAILED, f"{type(self._failure).__name__}: {self._failure}", hint
        error, since = self._sender.error, self._sender.failing_since
        if error is None or since is None or self._clock.monotonic() - since < _TOLERATED_S:
            return self._state, None, None
        state = State.DEGRADED if self._state is State.RUNNING else self._state
        return state, error.message, remedy(error)

    def _last_message(self) -> dict[str, object] | None:
        message, at = self._sender.last_message, self._sender.last_sent_at
        return None if message is None or at is None else {**message, "sent_at": rfc3339(at)}

    # -- its thread

    def _run(self) -> None:
        try:
            while not self._is_stopped:
                self._wake.clear()
                if self._is_draining and not self._sender.is_draining:
                    self._sender.hurry()
                if not self._is_draining:
                    self._watch.look()
                self._pulse.beat(_SENDING_S)
                has_more = self._sender.turn()
                self._turns += 1
                self._pulse.beat(TURN_S)
                if not has_more:
                    self._wake.wait(TURN_S)
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self._failure = exc
            _log.exception("alerts_died")

    def _set_state(self, state: State) -> None:
        self._state = state
        self._since = self._clock.now()
