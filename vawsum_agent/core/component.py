"""The shape every capability has, and what the supervisor and ``status`` see of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.core.clock import Deadline


class State(StrEnum):
    """What a component is doing, in the words of ``status --json``."""

    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    DRAINING = "draining"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """A snapshot of a component. Times are seconds since the epoch; None means never.

    Attributes:
        measures: what the metrics capability publishes of it, by metric name; totals where the metric is an increase.
    """

    name: str
    state: State
    since: float
    last_success_at: float | None = None
    backlog_count: int = 0
    backlog_bytes: int = 0
    last_error: str | None = None
    hint: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)


class Component(Protocol):
    """A part of the daemon that is started, watched, drained and stopped as one."""

    name: str

    def start(self) -> None:
        """Begin work; ready on return. Raises AgentError when it can't."""
        ...

    def drain(self, deadline: Deadline) -> None:
        """Stop intake, flush, checkpoint. Raises DrainTimeout with work left at the deadline."""
        ...

    def stop(self) -> None:
        """End at once. Idempotent; never raises."""
        ...

    def status(self) -> ComponentStatus:
        """An in-memory snapshot; no I/O, never raises."""
        ...

    def is_alive(self) -> bool:
        """Whether every loop finished a turn lately or waits in a bounded backoff.

        False makes the supervisor replace the component and, if that does not help, starves systemd's watchdog.
        """
        ...
