"""``logs replay``: sends the dead letters again. Works beside a running daemon, which goes on adding new ones."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import StateError
from vawsum_agent.logs.batch.compose import Composer, split
from vawsum_agent.logs.batch.event import Event
from vawsum_agent.logs.batch.limits import TOO_NEW_S, TOO_OLD_S
from vawsum_agent.logs.redact import Redactor
from vawsum_agent.logs.ship.resend import Resender

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Iterable, Iterator

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.errors import AwsError
    from vawsum_agent.logs.deadletter import DeadLetters, Letter
    from vawsum_agent.logs.ship.put import Putter

_CHUNK_BYTES = 16 << 20
_LETTER_BYTES = 500
"""Roughly what an event takes beside its message."""

_UNTIMELY = frozenset({"too_old", "expired", "too_new"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters to send (no reasons: all), and whether to stamp with the time of now what was refused for its own.

    Whatever the stamp, the message stays as it is.
    """

    reasons: Collection[str] = ()
    is_restamped: bool = False

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is among them."""
        return not self.reasons or letter["reason"] in self.reasons

    def time_ms(self, letter: Letter, now: float) -> int | None:
        """Give the time to send a letter with; None when CloudWatch would refuse it for its time once more."""
        own_ms = letter["timestamp"]
        is_timely = now - TOO_OLD_S < own_ms / 1000 < now + TOO_NEW_S
        if self.is_restamped and (letter["reason"] in _UNTIMELY or not is_timely):
            return int(now * 1000)
        return own_ms if is_timely else None


@dataclass(slots=True)
class Row:
    """The events of one reason in one log stream.

    Attributes:
        found: how many are chosen.
        accepted: CloudWatch took them; they are dead letters no more.
        refused: CloudWatch refused them again.
        untimely: not sent, since it would refuse them for their time.
        failed: they could not be sent, or perhaps were: the answer got lost.
    """

    found: int = 0
    accepted: int = 0
    refused: int = 0
    untimely: int = 0
    failed: int = 0


@dataclass(slots=True)
class Report:
    """What became of the letters, by (log group, log stream, reason), and what went wrong."""

    rows: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    errors: list[AwsError] = field(default_factory=list)

    def row(self, letter: Letter) -> Row:
        """Find or begin the row of a letter."""
        return self.rows.setdefault((letter["log_group"], letter["log_stream"], letter["reason"]), Row())

    def add(self, letter: Letter, choice: Choice, now: float) -> int | None:
        """Count a letter if it is chosen; gives the time to send it with, None when it is not to be sent."""
        if not choice.takes(letter):
            return None
        time_ms = choice.time_ms(letter, now)
        row = self.row(letter)
        row.found += 1
        row.untimely += time_ms is None
        return time_ms

    def total(self, what: str) -> int:
        """Sum up one attribute of all rows."""
        return sum(getattr(row, what) for row in self.rows.values())


class Replay:
    """One run. Letters were redacted when they were kept; they are sent as they are."""

    def __init__(
        self,
        letters: DeadLetters,
        putter: Putter,
        choice: Choice,
        clock: Clock,
        dice: random.Random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._letters = letters
        self._resender = Resender(putter, self._settle, dice, sleep)
        self._choice = choice
        self._clock = clock
        self._report = Report()
        self._segment = Path()
        # Events that look the same are equal; which letter one came from is known by its identity.
        self._letter_of: dict[int, Letter] = {}
        self._taken: set[str] = set()

    def run(self, progress: Callable[[Report], None]) -> Report:
        """Send what is chosen; what CloudWatch takes is removed, everything else stays.

        Raises:
            BusyError: another replay runs.
            StateError: the folder can't be read or written; what was sent and not noted is sent again by the next run.
        """
        try:
            with self._letters.replaying():
                for segment in self._letters.close_newest():
                    self._segment = segment
                    for chunk in _chunks(self._letters.read(segment)):
                        self._replay(chunk, progress)
                    self._letters.remove_taken(segment)
        except OSError as exc:
            message = f"can't go on with the dead letters: {exc}"
            raise StateError(message, hint="check the disk and the owner of state_dir/dead-letter") from exc
        return self._report

    def _replay(self, letters: list[Letter], progress: Callable[[Report], None]) -> None:
        now = self._clock.now()
        self._letter_of.clear()
        streams: dict[tuple[str, str], list[Event]] = {}
        for letter in letters:
            if letter["id"] in self._taken:
                # Written into two files by a crash of the daemon between keeping it and booking it.
                self._letters.take(self._segment, [letter["id"]])
                continue
            time_ms = self._report.add(letter, self._choice, now)
            if time_ms is not None:
                event = Event(time_ms, letter["message"], 0)
                self._letter_of[id(event)] = letter
                streams.setdefault((letter["log_group"], letter["log_stream"]), []).append(event)
        for (group, stream), events in streams.items():
            composer = Composer(group, stream, Redactor([]))
            events.sort(key=attrgetter("time_ms"))
            for part in split(events):
                left, error = self._resender.send(composer, part)
                for event in left:
                    self._row_of(event).failed += 1
                if error is not None:
                    self._report.errors.append(error)
                progress(self._report)

    def _settle(self, taken: list[Event], refused: list[Event]) -> None:
        # If we die before this is noted, these events are sent once more by the next run: twice at most, never lost.
        ids = [self._letter_of[id(event)]["id"] for event in taken]
        self._letters.take(self._segment, ids)
        self._taken.update(ids)
        for event in taken:
            self._row_of(event).accepted += 1
        for event in refused:
            self._row_of(event).refused += 1

    def _row_of(self, event: Event) -> Row:
        return self._report.row(self._letter_of[id(event)])


def plan(letters: DeadLetters, choice: Choice, now: float) -> Report:
    """Tell what a run would send and what it would leave; changes nothing. Raises StateError."""
    report = Report()
    met: set[str] = set()
    try:
        for segment in letters.segments():
            for letter in letters.read(segment):
                if letter["id"] not in met:
                    met.add(letter["id"])
                    report.add(letter, choice, now)
    except OSError as exc:
        raise StateError(
            f"can't read the dead letters: {exc}", hint="run this as root or as the daemon's user"
        ) from exc
    return report


def _chunks(letters: Iterable[Letter]) -> Iterator[list[Letter]]:
    """Divide a file so that memory stays bounded."""
    chunk: list[Letter] = []
    size = 0
    for letter in letters:
        chunk.append(letter)
        size += len(letter["message"]) + _LETTER_BYTES
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
