"""Runs the components: starts them in order, drains them in reverse, replaces one that dies while the others go on."""

from __future__ import annotations

import random as random_numbers
from typing import TYPE_CHECKING

from vawsum_agent.core.component import ComponentStatus, State
from vawsum_agent.daemon.successes import Successes
from vawsum_agent.daemon.supervised import DrainOutcome, Part, Supervised

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.core.clock import Clock, Deadline

_WORST_FIRST = (State.FAILED, State.DEGRADED, State.STARTING, State.DRAINING, State.STOPPED)


class Supervisor:
    """A set of components that live and end together. Not reused: a reload builds another.

    Args:
        parts: in the order they start.
        clock: wall and monotonic time.
        random: jitter.
        successes: what is known from the components before these.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        clock: Clock,
        *,
        random: Callable[[], float] = random_numbers.random,
        successes: Successes | None = None,
    ) -> None:
        known = Successes() if successes is None else successes
        self._supervised = [Supervised(part, clock, random, known) for part in parts]

    def start(self) -> None:
        """Start all in order; one that can't start is tried again later and holds up no other."""
        for supervised in self._supervised:
            supervised.start()

    def tick(self) -> None:
        """Look after every component once; returns at once."""
        for supervised in self._supervised:
            supervised.check()

    def is_well(self) -> bool:
        """Whether every loop is alive or waits in a bounded backoff: what the watchdog is fed for."""
        return all(supervised.is_well() for supervised in self._supervised)

    def drain(self, deadline: Deadline) -> list[DrainOutcome]:
        """Drain all in reverse order, within one deadline."""
        for supervised in self._supervised:
            supervised.hold()
        return [supervised.drain(deadline) for supervised in reversed(self._supervised)]

    def stop(self) -> None:
        """Stop all in reverse order."""
        for supervised in reversed(self._supervised):
            supervised.stop()

    def statuses(self) -> list[ComponentStatus]:
        """A snapshot of every component, in the order they start."""
        return [supervised.status() for supervised in self._supervised]


def worst(states: Sequence[State]) -> State:
    """One state for all; running when there is nothing to say against it."""
    return next((state for state in _WORST_FIRST if state in states), State.RUNNING)
