"""One component under supervision: built anew whenever it fails or stops giving signs of life.

Whatever may take long or hang (start, stop, drain of a component) runs on a thread of its own here, so the supervisor's
loop always turns. A new component is built only after the old one's ``stop`` has returned: two at work on the same
checkpoints would send things twice.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.component import ComponentStatus, State
from vawsum_agent.core.errors import AgentError
from vawsum_agent.daemon.backoff import backoff_s
from vawsum_agent.daemon.containment import contained

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.core.component import Component
    from vawsum_agent.daemon.successes import Successes

_log = structlog.get_logger()

STABLE_AFTER_S = 60.0
"""A component that ran this long without failing has its backoff forgiven."""

REPLACEMENT_LIMIT_S = 60.0
"""A start or stop that takes longer hangs."""

MOST_HANGS = 3
"""Replacing a hanging component this often in a row did not help; only a new process can."""


@dataclass(frozen=True, slots=True)
class Part:
    """A component's name and how to build one; building may be repeated and may raise AgentError."""

    name: str
    build: Callable[[], Component]


@dataclass(frozen=True, slots=True)
class DrainOutcome:
    """How draining one component ended; ``error`` is None when nothing was left."""

    name: str
    error: str | None


class Supervised:
    """Keeps one component running. `check` is called by one thread; `status` by any."""

    def __init__(self, part: Part, clock: Clock, random: Callable[[], float], successes: Successes) -> None:
        self.name = part.name
        self.restarts = 0
        self._build = part.build
        self._clock = clock
        self._random = random
        self._successes = successes
        self._component: Component | None = None
        self._resting = ComponentStatus(part.name, State.STARTING, clock.now())
        self._attempt = 0
        self._hangs = 0
        self._started_at = 0.0
        self._retry_at = 0.0
        self._busy_since: float | None = None
        self._is_held = False
        # Held while a component is built, started, drained or stopped: these never overlap.
        self._turnover = threading.Lock()

    def start(self) -> None:
        """Build and start the component; on failure it is tried again later."""
        with self._turnover:
            self._is_held = False
            self._resting = ComponentStatus(self.name, State.STARTING, self._clock.now())
            self._start()

    def _start(self) -> None:
        component: Component | None = None
        try:
            component = contained(self.name, self._build)
            contained(self.name, component.start)
        except AgentError as error:
            _log.error("component_not_started", component=self.name, error=error.message, hint=error.hint)
            self._give_up(component, error)
        else:
            self._started_at = self._clock.monotonic()
            self._component = component
            _log.info("component_started", component=self.name, restarts=self.restarts)

    def _give_up(self, component: Component | None, error: AgentError) -> None:
        """Stop the component and wait out the backoff before another one is built."""
        known = self._status_of(self._component) if self._component else self._resting
        since = known.since if known.state is State.FAILED else self._clock.now()
        hint = error.hint or None
        self._resting = replace(
            known, state=State.FAILED, since=since, last_error=error.message, hint=hint, problems=()
        )
        self._component = None
        if component is not None:
            self._stop(component)
        wait_s = backoff_s(self._attempt, self._random())
        self._attempt += 1
        self._retry_at = self._clock.monotonic() + wait_s

    def check(self) -> None:
        """Replace the component if it failed or hangs; start it again when its backoff is over. Returns at once."""
        if self._busy_since is not None or self._is_held:
            return
        component = self._component
        now = self._clock.monotonic()
        if component is None:
            if now >= self._retry_at:
                self.restarts += 1
                self._in_background(self._start)
        elif not self._is_alive(component):
            self._hangs += 1
            _log.error("component_hung", component=self.name, hangs=self._hangs)
            failure = AgentError("a loop gave no sign of life", hint="the component is being replaced")
            self._in_background(lambda: self._give_up(component, failure))
        elif (status := self._status_of(component)).state is State.FAILED and status.is_replaceable:
            failure = AgentError(status.last_error or "it failed", hint=status.hint or "")
            _log.error("component_failed", component=self.name, error=failure.message, hint=failure.hint)
            self._in_background(lambda: self._give_up(component, failure))
        elif now - self._started_at >= STABLE_AFTER_S:
            self._attempt = self._hangs = 0

    def _in_background(self, work: Callable[[], None]) -> None:
        self._busy_since = self._clock.monotonic()

        def run() -> None:
            with self._turnover:
                if not self._is_held:
                    work()
            self._busy_since = None

        threading.Thread(target=run, name=f"replace-{self.name}", daemon=True).start()

    def is_well(self) -> bool:
        """Whether it runs, waits in a bounded backoff, or is being replaced within the time that takes."""
        if self._busy_since is not None:
            return self._clock.monotonic() - self._busy_since < REPLACEMENT_LIMIT_S
        component = self._component
        return self._hangs < MOST_HANGS and (component is None or self._is_held or self._is_alive(component))

    def hold(self) -> None:
        """Leave it alone from now on: it is being drained or stopped. `start` ends that."""
        self._is_held = True

    def drain(self, deadline: Deadline) -> DrainOutcome:
        """Drain the component; nothing unaccepted counts as done."""
        self.hold()
        if not self._turnover.acquire(timeout=deadline.remaining_s()):
            return DrainOutcome(self.name, "it hangs in its start or stop")
        try:
            component = self._component
            return self._drain(component, deadline) if component else DrainOutcome(self.name, self._resting.last_error)
        finally:
            self._turnover.release()

    def _drain(self, component: Component, deadline: Deadline) -> DrainOutcome:
        try:
            contained(self.name, lambda: component.drain(deadline))
        except AgentError as error:
            _log.warning("component_drain_incomplete", component=self.name, error=error.message)
            return DrainOutcome(self.name, error.message)
        _log.info("component_drained", component=self.name)
        return DrainOutcome(self.name, None)

    def stop(self) -> None:
        """Stop the component."""
        self.hold()
        with self._turnover:
            component = self._component
            if component is None:
                return
            self._stop(component)
            self._resting = replace(self._status_of(component), state=State.STOPPED, since=self._clock.now())
            self._component = None
            _log.info("component_stopped", component=self.name)

    def _stop(self, component: Component) -> None:
        with contextlib.suppress(AgentError):  # `contained` has logged it, and there is nothing left to stop
            contained(self.name, component.stop)

    def status(self) -> ComponentStatus:
        """What the component says, or what is known of it while there is none; with the count of restarts."""
        component = self._component
        status = self._status_of(component) if component else self._successes.complete(self._resting)
        return replace(status, details={**status.details, "restarts": self.restarts})

    def _status_of(self, component: Component) -> ComponentStatus:
        try:
            status = contained(self.name, component.status)
        except AgentError as error:
            now, hint = self._clock.now(), error.hint or None
            status = ComponentStatus(self.name, State.FAILED, now, last_error=error.message, hint=hint)
        return self._successes.complete(status)

    def _is_alive(self, component: Component) -> bool:
        try:
            return contained(self.name, component.is_alive)
        except AgentError:
            return False
