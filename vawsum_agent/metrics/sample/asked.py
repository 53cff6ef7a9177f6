"""One source, asked on a thread of its own, so that one that hangs holds up no other."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import structlog

from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.metric import Collected, MetricSource

_log = structlog.get_logger()


class SourceDefect(AgentError):
    """Code that samples a source raised what it should not."""


def defect_of(source: MetricSource, raised: Exception) -> SourceDefect:
    """Make the error of a defect, and log the trace. To be called where it is caught."""
    _log.exception("source_died", source=source.name)
    return SourceDefect(f"{source.name}: {type(raised).__name__}: {raised}", hint="a defect: please report it")


@runtime_checkable
class Closeable(Protocol):
    """A source that holds something open between looks, such as a connection."""

    def close(self) -> None:
        """Take leave in order. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a look came to: something collected, an error, or neither while the source may still answer in time.

    ``at`` and ``monotonic`` are of the look.
    """

    at: float
    monotonic: float
    collected: Collected | None
    error: AgentError | None = None


class Asked:
    """A source and its thread, which is started with the first question and ends with `stop`.

    A source may take longer than the beat of the rounds: what it says within its own limit is told by the next round,
    and until then it is what it was before.
    """

    def __init__(self, source: MetricSource, clock: Clock) -> None:
        self.source = source
        self._clock = clock
        self._changed = threading.Condition()
        self._is_wanted = False
        self._is_busy = False
        self._is_stopped = False
        self._began_at = 0.0
        self._answer: Answer | None = None
        self._late: Answer | None = None
        self._error: AgentError | None = None
        self._thread: threading.Thread | None = None

    def ask(self) -> bool:
        """Want an answer. False: it is still busy with an earlier question, and waiting for it is no use."""
        with self._changed:
            if self._is_busy or self._is_stopped:
                return False
            self._put_by()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"sample-{self.source.name}", daemon=True)
                self._thread.start()
            self._is_wanted = self._is_busy = True
            self._began_at = self._clock.monotonic()
            self._changed.notify_all()
            return True

    def _put_by(self) -> None:
        """Keep what came after the round before had ended, for when there is nothing newer in time."""
        came, self._answer, self._late = self._answer, None, None
        if came is not None and came.error is not None:
            self._error = came.error
        elif came is not None and self._clock.monotonic() - came.monotonic <= self.source.limit_s:
            self._late = came

    def answer(self, until: float) -> Answer:
        """Wait for the answer until a moment of the monotonic clock, and no longer than the source's limit."""
        with self._changed:
            ends_at = self._began_at + self.source.limit_s
            while self._answer is None and (left_s := min(until, ends_at) - self._clock.monotonic()) > 0:
                self._changed.wait(left_s)
            answer = self._answer or self._late
            self._answer = self._late = None
            now = self._clock.monotonic()
            if answer is None and self._is_busy and now >= ends_at:
                message = f"{self.source.name}: no answer for {now - self._began_at:.0f} s"
                hint = "it hangs or is overloaded; it is asked again as soon as it has answered"
                self._error = AgentError(message, hint=hint)
            if answer is None:
                return Answer(self._clock.now(), now, None, self._error)
            self._error = answer.error
            return answer

    def stop(self) -> None:
        """End the thread; one that hangs in a question is left behind, and its answer goes nowhere."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_wanted and not self._is_stopped:
                    self._changed.wait()
                if self._is_stopped:
                    break
                self._is_wanted = False
            answer = self._look()
            with self._changed:
                self._is_busy = False
                self._answer = self._in_time(answer)
                self._changed.notify_all()
        if isinstance(self.source, Closeable):
            self.source.close()

    def _in_time(self, answer: Answer) -> Answer:
        """Give the answer, or an error in the place of one that is too old to be told as of now."""
        took_s = answer.monotonic - self._began_at
        if took_s <= self.source.limit_s:
            return answer
        message = f"{self.source.name}: took {took_s:.1f} s, longer than {self.source.limit_s:g} s"
        return Answer(answer.at, answer.monotonic, None, AgentError(message, hint="it hangs or is overloaded"))

    def _look(self) -> Answer:
        error: AgentError
        try:
            collected = self.source.collect()
            return Answer(self._clock.now(), self._clock.monotonic(), collected)
        except AgentError as exc:
            error = exc
        except OSError as exc:
            error = AgentError(f"{self.source.name}: {exc.strerror or exc}", hint="vawsum-agent doctor tells more")
        except Exception as exc:  # noqa: BLE001 - a defect in one source must not end the others
            error = defect_of(self.source, exc)
        return Answer(self._clock.now(), self._clock.monotonic(), None, error)
