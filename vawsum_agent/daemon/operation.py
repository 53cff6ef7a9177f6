"""Drain, reload and stop: what takes its time and must not hold up the daemon's main loop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.clock import Clock, Deadline
from vawsum_agent.core.errors import AgentError
from vawsum_agent.daemon.containment import contained

if TYPE_CHECKING:
    from collections.abc import Callable

_log = structlog.get_logger()

GRACE_S = 60.0
"""An operation that is this far past its deadline hangs."""


class CuttableDeadline(Deadline):
    """A deadline that can be moved nearer, also while somebody waits for it."""

    def cut(self, timeout_s: float) -> None:
        """Leave at most ``timeout_s`` from now."""
        self._at = min(self._at, self._clock.monotonic() + timeout_s)


class Operation:
    """Work on a thread of its own, one at a time, with a deadline."""

    def __init__(self, name: str, clock: Clock, timeout_s: float, work: Callable[[Deadline], None]) -> None:
        self.name = name
        self.deadline = CuttableDeadline(clock, timeout_s)
        self._limit = Deadline(clock, timeout_s + GRACE_S)
        self._work = work

    def begin(self, finished: Callable[[], None]) -> None:
        """Start the work; ``finished`` is called on its thread however it ends."""

        def run() -> None:
            try:
                contained(self.name, lambda: self._work(self.deadline))
            except AgentError as error:
                _log.error("operation_failed", operation=self.name, error=error.message, hint=error.hint)
            finally:
                finished()

        threading.Thread(target=run, name=self.name, daemon=True).start()

    def is_hanging(self) -> bool:
        """Whether it is long past its deadline."""
        return self._limit.has_passed()
