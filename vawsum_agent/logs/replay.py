"""``logs replay``: sends the dead letters again. Works beside a running daemon, which goes on adding new ones."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

import orjson

from vawsum_agent.core.durable import sync_directory, write_durably
from vawsum_agent.core.errors import BusyError, NotFound, Rejected
from vawsum_agent.logs.batch.compose import Composer, split
from vawsum_agent.logs.batch.event import Event
from vawsum_agent.logs.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from vawsum_agent.aws.logs import RejectedEvents
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.deadletter import DeadLetters, Letter


class Service(Protocol):
    """What replaying calls of CloudWatch Logs."""

    def put(self, group: str, stream: str, body: bytes) -> RejectedEvents:
        """PutLogEvents."""
        ...


@dataclass(slots=True)
class Report:
    """What became of the letters, in events: how many there are by reason, how many were taken and how many stay."""

    found: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters to send (no reasons: all), and whether to stamp them with the time of now."""

    reasons: Collection[str] = ()
    is_restamped: bool = False
    is_dry_run: bool = False

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is among them."""
        return not self.reasons or letter["reason"] in self.reasons


class Replay:
    """One run. Letters were redacted when they were kept; they are sent as they are."""

    def __init__(self, letters: DeadLetters, service: Service, choice: Choice, clock: Clock) -> None:
        self._letters = letters
        self._service = service
        self._choice = choice
        self._clock = clock
        self.report = Report()

    def run(self, progress: Callable[[Report], None]) -> Report:
        """Send what is chosen; what the service takes is removed, what it refuses again stays.

        Raises:
            BusyError: another replay runs.
            AwsError: the service can't be reached or does not allow it; what was sent until then is removed.
        """
        if self._choice.is_dry_run:
            for segment in self._letters.segments():
                self._count(list(self._letters.read(segment)))
            return self.report
        with self._alone():
            self._letters.close_newest()
            for segment in self._letters.segments()[:-1]:
                self._replay(segment, progress)
        return self.report

    def _count(self, letters: list[Letter]) -> list[Letter]:
        chosen = [letter for letter in letters if self._choice.takes(letter)]
        self.report.found.update(letter["reason"] for letter in chosen)
        return chosen

    def _replay(self, segment: Path, progress: Callable[[Report], None]) -> None:
        left = {letter["id"]: letter for letter in self._letters.read(segment)}
        streams: dict[tuple[str, str], list[Letter]] = {}
        for letter in self._count(list(left.values())):
            streams.setdefault((letter["log_group"], letter["log_stream"]), []).append(letter)
        for (group, stream), letters in streams.items():
            for accepted in self._sent(group, stream, letters):
                for letter in accepted:
                    del left[letter["id"]]
                # If we die before this, the last batch is sent once more by the next replay: never less, at most twice.
                _rewrite(segment, list(left.values()))
                progress(self.report)
        if not left:
            _rewrite(segment, [])

    def _sent(self, group: str, stream: str, letters: list[Letter]) -> Iterator[list[Letter]]:
        now_ms = int(self._clock.now() * 1000)
        timed = [(now_ms if self._choice.is_restamped else letter["timestamp"], letter) for letter in letters]
        timed.sort(key=itemgetter(0))
        composer = Composer(group, stream, Redactor([]))
        position = 0
        for part in split([Event(time_ms, letter["message"], 0) for time_ms, letter in timed]):
            batch = [letter for _, letter in timed[position : position + len(part)]]
            position += len(part)
            try:
                refused = self._service.put(group, stream, composer.request(part).body)
            except (Rejected, NotFound):
                if len(batch) > 1:
                    yield from (one for letter in batch for one in self._sent(group, stream, [letter]))
                else:
                    self.report.kept += 1
                continue
            end = len(batch) if refused.too_new_start is None else refused.too_new_start
            accepted = batch[max(refused.too_old_end, refused.expired_end) : end]
            self.report.sent += len(accepted)
            self.report.kept += len(batch) - len(accepted)
            yield accepted

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        self._letters.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(self._letters.folder / "replay.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as exc:
            raise BusyError("another replay is running", hint="wait for it to end") from exc
        finally:
            os.close(descriptor)


def _rewrite(segment: Path, letters: list[Letter]) -> None:
    if letters:
        write_durably(segment, b"".join(orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE) for letter in letters))
    else:
        segment.unlink(missing_ok=True)
        sync_directory(segment.parent)
