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
    """What a look came to: something collected, or an error; ``at`` and ``monotonic`` are of the look."""

    at: float
    monotonic: float
    collected: Collected | None
    error: AgentError | None = None


class Asked:
    """A source and its thread, which is started with the first question and ends with `stop`."""

    def __init__(self, source: MetricSource, clock: Clock) -> None:
        self.source = source
        self._clock = clock
        self._changed = threading.Condition()
        self._is_wanted = False
        self._is_busy = False
        self._is_stopped = False
        self._began_at = 0.0
        self._answer: Answer | None = None
        self._thread: threading.Thread | None = None

    def ask(self) -> bool:
        """Want an answer. False: it is still busy with an earlier question, and waiting for it is no use."""
        with self._changed:
            self._answer = None
            if self._is_busy or self._is_stopped:
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"sample-{self.source.name}", daemon=True)
                self._thread.start()
            self._is_wanted = self._is_busy = True
            self._began_at = self._clock.monotonic()
            self._changed.notify_all()
            return True

    def answer(self, until: float) -> Answer:
        """Wait for the answer until a moment of the monotonic clock; too late is an error as any other."""
        with self._changed:
            while self._answer is None and (left_s := until - self._clock.monotonic()) > 0:
                self._changed.wait(left_s)
            if self._answer is not None:
                return self._answer
            took_s = self._clock.monotonic() - self._began_at
            message = f"{self.source.name}: no answer for {took_s:.0f} s"
            error = AgentError(message, hint="it hangs or is overloaded; it is asked again as soon as it has answered")
            return Answer(self._clock.now(), self._clock.monotonic(), None, error)

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
                if answer.monotonic - self._began_at <= self.source.limit_s:
                    self._answer = answer
                self._changed.notify_all()
        if isinstance(self.source, Closeable):
            self.source.close()

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
