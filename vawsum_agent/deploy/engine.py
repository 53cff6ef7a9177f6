"""Carries a deploy to its end: notes in the journal what it is about to do, does it, and notes how that went.

Which step is next is said by `machine`, and what a step does by whoever built the steps. What is here is the order:
begun is durable before anything is done. Killed at any moment, a deploy is found by its record and carried on the same
way, here, by the next start.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError, DeployError
from vawsum_agent.deploy.machine import FORWARD, End, Step, again, is_going_back, next_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FrameType

    from vawsum_agent.deploy.journal import Journal
    from vawsum_agent.deploy.record import Record

_log = structlog.get_logger()


class Engine:
    """Runs one deploy.

    Args:
        steps: what each step does; gives back what there is to say of it, or an empty text.
        say: where a person follows.
        redact: takes secrets out of any text, before it is written anywhere.
    """

    def __init__(
        self,
        journal: Journal,
        steps: Mapping[Step, Callable[[], str]],
        *,
        say: Callable[[str], None],
        redact: Callable[[str], str],
    ) -> None:
        self._journal = journal
        self._steps = steps
        self._say = say
        self._redact = redact

    def run(self, record: Record) -> End:
        """Go on from wherever the record stands, to its end.

        Raises:
            DeployError: the journal can't be written; nothing was begun that it does not tell of.
        """
        self._take_over(record)
        while isinstance(step := next_step(record.notes), Step):
            self._carry_out(record, step)
        self._journal.close(record, step)
        return step

    def _take_over(self, record: Record) -> None:
        """Note that the process of the last step is gone, and let what failed on the way back be tried again."""
        last = record.lines[-1] if record.lines else None
        if record.end == End.STUCK:
            kept = again(record.notes)
            record.lines = [line for line in record.lines if (line.step, line.phase) in kept]
            record.end = None
            self._journal.write(record)
            self._say(f"{record.deploy_id} was stuck: trying again to take it back")
        elif last is not None:
            # Also between two steps: what was cut off there is taken back just the same.
            self._journal.note(record, last.step, "interrupted", "the process was killed, or the host went down")
            self._say(f"{record.deploy_id} was cut off in its step {last.step}")

    def _carry_out(self, record: Record, step: Step) -> None:
        was_going_back = is_going_back(record.notes)
        # If we die after this line, whoever comes next knows that the step may have happened, and carries it out again
        # or takes it back. Dying before it, nothing has happened.
        self._journal.note(record, step, "begun")
        self._say(f"{step} …")
        try:
            with _stoppable(is_stoppable=step in FORWARD and not was_going_back):
                text = self._steps[step]()
        except AgentError as error:
            self._failed(record, step, self._redact(str(error)))
        except Exception as error:  # noqa: BLE001 - a bug must not leave the host out of service
            _log.exception("bug_contained", component="deploy", step=step)
            self._failed(record, step, self._redact(f"a bug in the agent: {type(error).__name__}: {error}"))
        else:
            # If we die before this note, the step is carried out once more, which every step allows.
            self._journal.note(record, step, "done", self._redact(text))
            if text:
                self._say(f"{step}: {self._redact(text)}")

    def _failed(self, record: Record, step: Step, text: str) -> None:
        self._journal.note(record, step, "failed", text)
        self._say(f"{step} failed: {text}")


@contextmanager
def _stoppable(*, is_stoppable: bool) -> Iterator[None]:
    """Make SIGTERM, as at a shutdown, the failure of a step forward: what was begun is taken back at once.

    On the way back it is put off: SIGKILL follows when that takes too long, and the next start goes on.
    """

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise DeployError(f"asked to stop by {signal.Signals(number).name}")

    before = signal.signal(signal.SIGTERM, stop if is_stoppable else signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
