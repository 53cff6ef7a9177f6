"""What a lane has done and has left to do: written by its thread, read by whoever asks for ``status``."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.core.component import Problem
from vawsum_agent.core.text import printable
from vawsum_agent.images.find.scan import Refusals
from vawsum_agent.images.reasons import MEANING, Reason

if TYPE_CHECKING:
    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.images.find.scan import Scan
    from vawsum_agent.images.move.mover import Moved
    from vawsum_agent.images.move.pressure import Usage

_TOLERATED_S = 10.0
"""Failing for less is a hiccup; the backlog shows it anyway."""

_TROUBLE = {
    Reason.PHP_CODE: "with PHP code where an image should be",
    Reason.NOT_REMOVABLE: "in the bucket that can't be removed",
    Reason.UNREADABLE: "or folders that can't be read",
}
"""What is left alone and wants a person; all else is the application's own affair, and counted."""


@dataclass(slots=True)
class Totals:
    """Counts across restarts."""

    moved_count: int = 0
    moved_bytes: int = 0
    copied_count: int = 0
    copied_bytes: int = 0
    rewritten_count: int = 0

    def add(self, moved: Moved) -> None:
        """Count a slice."""
        self.moved_count += moved.moved_count
        self.moved_bytes += moved.moved_bytes
        self.copied_count += moved.copied_count
        self.copied_bytes += moved.copied_bytes
        self.rewritten_count += moved.rewritten


@dataclass(frozen=True, slots=True)
class Report:
    """A lane as it is now. Times are seconds since the epoch; None means never."""

    due_count: int
    due_bytes: int
    young_count: int
    young_bytes: int
    copied_count: int
    refusals: Refusals
    totals: Totals
    last_moved_at: float | None
    scanned_at: float | None
    scan_took_s: float
    usage: Usage | None
    is_pressed: bool
    is_watched: bool
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Error:
    error: AgentError
    since_s: float


@dataclass(slots=True)
class Account:
    """The numbers of one lane. Its thread writes, any thread reads.

    Attributes:
        totals: as they were at the last start, and counted on.
    """

    totals: Totals
    usage: Usage | None = None
    is_pressed: bool = False
    is_watched: bool = False
    last_moved_at: float | None = None
    scanned_at: float | None = None
    scan_took_s: float = 0.0
    _due_count: int = 0
    _due_bytes: int = 0
    _young: tuple[int, int] = (0, 0)
    _known_count: int = 0
    _refusals: Refusals = field(default_factory=Refusals)
    _error: _Error | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def scanned(self, found: Scan, at: float, took_s: float) -> None:
        """Take over what a scan found."""
        with self._lock:
            self._due_count, self._due_bytes = found.due_count, found.due_bytes
            self._young = (found.young_count, found.young_bytes)
            self._known_count = found.known_count
            self._refusals = found.refusals
            self.scanned_at, self.scan_took_s = at, took_s

    def moved(self, moved: Moved, at: float) -> None:
        """Book a slice."""
        with self._lock:
            self._due_count = max(0, self._due_count - moved.settled_count)
            left_bytes = max(0, self._due_bytes - moved.moved_bytes - moved.copied_bytes)
            self._due_bytes = left_bytes if self._due_count else 0
            self._known_count += moved.copied_count
            self._refusals.merge(moved.refusals)
            self.totals.add(moved)
            if moved.moved_count or moved.copied_count:
                self.last_moved_at = at

    def failed(self, error: AgentError | None, at_s: float) -> None:
        """Note what keeps the lane from going on; None when nothing does any more. ``at_s`` is monotonic."""
        with self._lock:
            if error is None:
                self._error = None
            else:
                since_s = at_s if self._error is None else self._error.since_s
                self._error = _Error(error, since_s)

    def report(self, now_s: float) -> Report:
        """Give it as it is; ``now_s`` is monotonic."""
        with self._lock:
            return Report(
                due_count=self._due_count,
                due_bytes=self._due_bytes,
                young_count=self._young[0],
                young_bytes=self._young[1],
                copied_count=self._known_count,
                refusals=self._refusals.copy(),
                totals=self.totals,
                last_moved_at=self.last_moved_at,
                scanned_at=self.scanned_at,
                scan_took_s=self.scan_took_s,
                usage=self.usage,
                is_pressed=self.is_pressed,
                is_watched=self.is_watched,
                problems=tuple(self._problems(now_s)),
            )

    def _problems(self, now_s: float) -> list[Problem]:
        found = []
        if self._error is not None and now_s - self._error.since_s >= _TOLERATED_S:
            found.append(Problem(self._error.error.message, self._error.error.hint))
        found.extend(
            Problem(_named(count, what, self._refusals.examples[reason]), MEANING[reason])
            for reason, what in _TROUBLE.items()
            if (count := self._refusals.counts[reason])
        )
        return found


def _named(count: int, what: str, examples: list[bytes]) -> str:
    names = ", ".join(printable(path.decode("utf-8", "backslashreplace")) for path in examples)
    return f"{count:,} {'file' if count == 1 else 'files'} {what}: {names}{', …' if count > len(examples) else ''}"
