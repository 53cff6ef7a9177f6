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
class Problem:
    """One thing that keeps a component from all of its work, and what a person can do about it."""

    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """A snapshot of a component. Times are seconds since the epoch; None means never.

    Attributes:
        last_error, hint: the weightiest of what is wrong now.
        problems: all that is wrong now, that one first; may be left empty where there is no more than that one.
        measures: what the metrics capability publishes of it, by metric name; totals where the metric is an increase.
        is_replaceable: whether a new component in its place may do better, once it failed; not where what it tells of
            has failed elsewhere, and waits for a person.
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
    problems: tuple[Problem, ...] = ()
    is_replaceable: bool = True

    def all_problems(self) -> tuple[Problem, ...]:
        """Give all that is wrong, also where only ``last_error`` says it."""
        if self.problems or self.last_error is None:
            return self.problems
        return (Problem(self.last_error, self.hint or ""),)


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
