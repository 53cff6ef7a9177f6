"""Small real parts for tests of the daemon: a clock that is set by hand and a component that does as it is told."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.core.component import ComponentStatus, Problem, State
from vawsum_agent.core.errors import DrainTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Deadline


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        """See `Clock.now`."""
        return self.time

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.time


@dataclass
class Script:
    """What a component is to do, and a diary of what was done to all components of the script."""

    diary: list[str] = field(default_factory=list)
    start_errors: list[Exception] = field(default_factory=list)
    drain_error: Exception | None = None
    state: State = State.RUNNING
    is_alive: bool = True
    problems: tuple[Problem, ...] = ()
    is_replaceable: bool = True
    stop_hangs_until: threading.Event | None = None
    drain_lasts_until: threading.Event | None = None


class Scripted:
    """A component without work."""

    def __init__(self, name: str, script: Script) -> None:
        self.name = name
        self._script = script

    def start(self) -> None:
        """Begin, or fail as the script says."""
        self._script.diary.append(f"{self.name} start")
        if self._script.start_errors:
            raise self._script.start_errors.pop(0)

    def drain(self, deadline: Deadline) -> None:
        """Drain as the script says; honours the deadline."""
        self._script.diary.append(f"{self.name} drain")
        finished = self._script.drain_lasts_until
        while finished is not None and not finished.wait(0.01):
            if deadline.has_passed():
                raise DrainTimeout("work was left")
        if self._script.drain_error is not None:
            raise self._script.drain_error

    def stop(self) -> None:
        """End."""
        if self._script.stop_hangs_until is not None:
            self._script.stop_hangs_until.wait(30)
        self._script.diary.append(f"{self.name} stop")

    def status(self) -> ComponentStatus:
        """Say what the script says."""
        script = self._script
        return ComponentStatus(
            self.name,
            script.state,
            1.0,
            details={"files": []},
            problems=script.problems,
            is_replaceable=script.is_replaceable,
        )

    def is_alive(self) -> bool:
        """Say what the script says."""
        return self._script.is_alive


def wait_until(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for another thread to get there."""
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.005)):
        if holds():
            return
        pause.wait(0.005)
    raise AssertionError("it did not happen in time")
