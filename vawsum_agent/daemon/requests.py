"""What the daemon's main loop is asked to do, by signals, by the control socket and by its own threads."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from types import FrameType

    from vawsum_agent.daemon.supervised import DrainOutcome


@dataclass(frozen=True, slots=True)
class Stop:
    """Drain and end; asked a second time: end at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reload:
    """Read the configuration again and go on with it."""


@dataclass(frozen=True, slots=True)
class DrainReport:
    """How a drain ended; ``is_refused`` when something else was under way."""

    outcomes: list[DrainOutcome] = field(default_factory=list)
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Drain:
    """Flush everything and go on."""

    timeout_s: float
    reply: SimpleQueue[DrainReport] = field(default_factory=SimpleQueue)


@dataclass(frozen=True, slots=True)
class Finished:
    """An operation has ended."""

    name: str


Request: TypeAlias = Stop | Reload | Drain | Finished
Inbox: TypeAlias = "SimpleQueue[Request]"


def deliver_signals(inbox: Inbox) -> None:
    """Turn signals into requests. A SimpleQueue may be put to from a handler (it is reentrant), an Event may not."""

    def handle(number: int, _frame: FrameType | None) -> None:
        inbox.put(Reload() if number == signal.SIGHUP else Stop(signal.Signals(number).name))

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handle)
