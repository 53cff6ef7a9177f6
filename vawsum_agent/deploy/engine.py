"""Carries a deploy to its end: notes in the journal what it is about to do, does it, and notes how that went.

Which step is next is said by `machine`, and what a step does by whoever built the steps. What is here is the order:
begun is durable before anything is done. Killed at any moment, a deploy is found by its record and carried on the same
way, here, by the next start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError, DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.machine import FORWARD, End, Step, again, is_going_back, next_step
from vawsum_agent.deploy.stopping import ASKED, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.deploy.journal import Journal
    from vawsum_agent.deploy.machine import Phase
    from vawsum_agent.deploy.record import Record
    from vawsum_agent.deploy.stopping import Stopping

_log = structlog.get_logger()

_STOPPABLE = frozenset(FORWARD) - {Step.RETURN, Step.KEEP}
"""To let the host into service is never put off. What follows changes nothing that serves."""

_WITHOUT_NOTE = frozenset({Step.GUARD, Step.KEEP})
"""Begun without a note, and killed, what the journal tells is still true: it was proven, and is finished."""


class Unended(DeployError):
    """It has come as far as it can, and has no end in the journal. To try again at once changes nothing of that."""


class Engine:
    """Runs one deploy.

    Args:
        steps: what each step does; gives back what there is to say of it, or an empty text.
        say: where a person follows.
        redact: takes secrets out of any text, before it is written anywhere.
        stopping: hears that we are asked to stop; for as long as it listens.
    """

    def __init__(
        self,
        journal: Journal,
        steps: Mapping[Step, Callable[[], str]],
        *,
        say: Callable[[str], None],
        redact: Callable[[str], str],
        stopping: Stopping,
    ) -> None:
        self._journal = journal
        self._steps = steps
        self._say = say
        self._redact = redact
        self._stopping = stopping
        self._unwritten: DeployError | None = None

    def run(self, record: Record) -> End:
        """Go on from wherever the record stands, to its end.

        SIGTERM takes back what is not proven yet, and does not stop that. While the release is watched, it ends the
        watching, and the next start goes on.

        Raises:
            Unended: it was asked to stop, and is in service; or its end can't be noted. The next start goes on.
        """
        self._take_over(record)
        while isinstance(step := next_step(record.notes), Step):
            self._carry_out(record, step)
        self._close(record, step)
        return step

    def _take_over(self, record: Record) -> None:
        """Note that the process of the last step is gone, and let what failed on the way back be tried again."""
        last = record.lines[-1] if record.lines else None
        if record.end == End.STUCK:
            kept = again(record.notes)
            record.lines = [line for line in record.lines if (line.step, line.phase) in kept]
            record.end = record.ended_at = None
            self._note(record, record.lines[-1].step, "interrupted", "tried again")
            self._say(f"{record.deploy_id} was stuck: trying again to take it back")
        elif last is not None:
            # Also between two steps: what was cut off there is taken back just the same.
            if last.phase != "interrupted":
                self._note(record, last.step, "interrupted", "the process was killed, or the host went down")
            self._say(f"{record.deploy_id} was cut off in its step {last.step}")

    def _carry_out(self, record: Record, step: Step) -> None:
        is_forward = not is_going_back(record.notes)
        if self._stopping.is_asked and is_forward and step in _STOPPABLE | {Step.RETURN}:
            self._stop(record, step, record.lines[-1].step if record.lines else step)
            return
        # If we die after this line, whoever comes next knows that the step may have happened, and carries it out again
        # or takes it back. Dying before it, nothing has happened.
        is_noted = self._note(record, step, "begun")
        if not is_noted and is_forward and step not in _WITHOUT_NOTE:
            self._failed(record, step, str(self._unwritten))
            return
        self._say(f"{step} …")
        try:
            text = self._stopping.within(self._steps[step], is_stoppable=is_forward and step in _STOPPABLE)
        except Stopped:
            self._stop(record, step, step)
        except AgentError as error:
            self._failed(record, step, str(error))
        except Exception as error:  # noqa: BLE001 - a bug must not leave the host out of service
            _log.exception("bug_contained", component="deploy", step=step)
            self._failed(record, step, f"a bug in the agent: {type(error).__name__}: {error}")
        else:
            # If we die before this note, the step is carried out once more, which every step allows.
            self._note(record, step, "done", text)
            if text:
                self._say(f"{step}: {self._clean(text)}")

    def _stop(self, record: Record, step: Step, latest: Step) -> None:
        """Do as we were asked: take back what is not proven; what is, waits for the next start."""
        if step != Step.GUARD:
            self._note(record, latest, "failed" if step == latest else "interrupted", ASKED)
            self._say(f"{step}: {ASKED}")
            return
        self._note(record, latest, "interrupted", ASKED)
        message = f"{ASKED}: {record.release} is proven and in service, and was not watched to the end"
        raise Unended(message, hint="`vawsum-agent deploy recover`, or the next deploy, goes on with it")

    def _failed(self, record: Record, step: Step, text: str) -> None:
        self._note(record, step, "failed", text)
        self._say(f"{step} failed: {self._clean(text)}")

    def _note(self, record: Record, step: Step, phase: Phase, text: str = "") -> bool:
        """Note it; tell whether that is durable. If not, the record has it, for as long as we live."""
        try:
            self._journal.note(record, step, phase, self._clean(text))
        except DeployError as error:
            if self._unwritten is None:
                self._say(f"what happens can't be noted any more: {self._clean(str(error))}")
            self._unwritten = error
            return False
        self._unwritten = None
        return True

    def _close(self, record: Record, end: End) -> None:
        try:
            self._journal.close(record, end)
        except DeployError as error:
            message = f"{record.release} is {end}, and that can't be noted: {error.message}"
            raise Unended(message, hint=error.hint) from error

    def _clean(self, text: str) -> str:
        # An error may quote a file's name, which is any bytes, and then no JSON could hold it.
        return printable(self._redact(text))
