"""The job that the schedule started, and what jobs left behind: started, followed, ended, written off.

A job writes into the journal what it did. What it could not write, since it was killed or never got so far, is written
here. Owned by the component's thread, but for `start_no_more` and `finish`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.backup.journal import Outcome
from vawsum_agent.core.errors import BackupError, BusyError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vawsum_agent.backup.agenda import Agenda
    from vawsum_agent.backup.child import Job, JobKind
    from vawsum_agent.backup.journal import Journal, Running
    from vawsum_agent.backup.newest import Inquiry, Newest
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

GRACE_S = 8.0
"""What a job has to take back what it began, before it is killed."""

_BUSY = BusyError.exit_code
_WRITTEN_OFF = 3


class StartJob(Protocol):
    """Starts a job; see `Job` and `command_for`."""

    def __call__(self, kind: JobKind, slot: float) -> Job:
        """Raises BackupError."""
        ...


@dataclass(frozen=True, slots=True)
class _Own:
    """The job that runs.

    Attributes:
        before: what stood in the journal when it was started.
    """

    kind: JobKind
    slot: float
    job: Job
    started_at: float
    before: Sequence[Outcome]


class Runs:
    """See the module.

    Args:
        journal: of the jobs on this host.
        agenda: is told what failed.
        inquiry: is told what changed in S3.
        start_job: starts one.
        clock: wall and monotonic time.

    Attributes:
        idle: set while no job of ours runs.
        is_finishing: no job is started any more.
        is_ending: the one that runs is ended, too.
    """

    def __init__(self, journal: Journal, agenda: Agenda, inquiry: Inquiry, start_job: StartJob, clock: Clock) -> None:
        self.idle = threading.Event()
        self.idle.set()
        self.is_finishing = False
        self.is_ending = False
        self._journal = journal
        self._agenda = agenda
        self._inquiry = inquiry
        self._start_job = start_job
        self._clock = clock
        self._born_at = clock.now()
        self._own: _Own | None = None
        self._kill_at: float | None = None
        self._unwritten: list[Outcome] = []
        self._latest: list[Outcome] = []
        # Held while a job is started: after `start_no_more` has returned none is.
        self._turnover = threading.Lock()

    def start_no_more(self) -> None:
        """Start no job any more; the one that runs goes on."""
        with self._turnover:
            self.is_finishing = True

    def finish(self) -> str | None:
        """Start no job any more and end the one that runs, with the thread's next turn. Returns what it is."""
        self.start_no_more()
        own = self._own
        self.is_ending = True
        return None if own is None else own.kind

    def close(self) -> None:
        """End the job that runs. The thread's last act."""
        self.finish()
        if self._own is not None:
            self._own.job.end(GRACE_S)
        self._set_own(None)

    def start(self, kind: JobKind, slot: float) -> None:
        """Start a job. That it can't be started counts as a failed run."""
        with self._turnover:
            if self.is_finishing or self._own is not None:
                return
            before = self._journal.outcomes()
            try:
                job = self._start_job(kind, slot)
            except BackupError as error:
                self._fail(kind, slot, self._clock.now(), error.message, error.hint)
                _log.warning("backup_job_ended", kind=kind, slot=slot, error=error.message, hint=error.hint)
                return
            self._set_own(_Own(kind, slot, job, self._clock.now(), before))
        # If we die from here on, the kernel ends the job, and the next start finds what it left.
        _log.info("backup_job_started", kind=kind, slot=slot, pid=job.pid)

    def follow(self) -> tuple[Running | None, list[Outcome]]:
        """See how the job is, and write off what was killed.

        Returns:
            What runs, of whatever process, and how earlier jobs ended.
        """
        own = self._own
        if own is not None:
            if self.is_ending:
                self._press(own.job)
            code = own.job.exit_code()
            if code is not None:
                self._set_own(None)
                self._ended(own, code)
        running = self._journal.running()
        if running is not None and self._own is None and not self._journal.is_locked():
            # One that ended in between has taken its note away before it gave the lock back.
            if not self.is_ending and self._journal.running() == running:
                self._write_off(running)
            running = None
        outcomes = self._journal.outcomes()
        if outcomes[-1:] != self._latest:
            # By hand, too, a backup is made, or found damaged.
            self._latest = outcomes[-1:]
            self._inquiry.ask_soon()
        return running, [*outcomes, *self._unwritten]

    def _press(self, job: Job) -> None:
        now_s = self._clock.monotonic()
        if self._kill_at is None:
            self._kill_at = now_s + GRACE_S
            job.terminate()
        elif now_s >= self._kill_at:
            job.kill()

    def _set_own(self, own: _Own | None) -> None:
        self._own = own
        if own is None:
            self.idle.set()
        else:
            self.idle.clear()

    # -- how jobs end

    def _ended(self, own: _Own, code: int) -> None:
        told = [
            outcome
            for outcome in self._journal.outcomes()
            if outcome not in own.before and (outcome.kind, outcome.slot) == (own.kind, own.slot)
        ]
        self._inquiry.ask_soon()
        outcome = told[-1] if told else self._untold(own, code)
        took_s = round(self._clock.now() - own.started_at, 1)
        log = _log.bind(kind=own.kind, slot=own.slot, exit_code=code, took_s=took_s)
        if outcome is None or outcome.is_ok or outcome.is_halted:
            log.info("backup_job_ended")
        else:
            log.warning("backup_job_ended", error=outcome.error, hint=outcome.hint)
        if told and not told[-1].is_ok and not self.is_ending:
            self._agenda.failed(own.kind, own.slot, self._clock.monotonic())

    def _untold(self, own: _Own, code: int) -> Outcome | None:
        """See to a job that did not say how it ended. Returns its failure; None where it is none."""
        if self.is_ending:
            return None  # what it left is looked at by the next start
        if code == _BUSY:
            self._agenda.was_busy(own.kind, own.slot, self._clock.monotonic())
            return None
        return self._fail(own.kind, own.slot, own.started_at, *_why(code, own.job.last_words()))

    def _fail(self, kind: JobKind, slot: float, started_at: float, error: str, hint: str) -> Outcome:
        """Write down a failure that the job itself did not, and return it."""
        self._agenda.failed(kind, slot, self._clock.monotonic())
        running = self._left_behind()
        outcome = Outcome(
            kind=kind,
            slot=slot,
            started_at=started_at,
            ended_at=self._clock.now(),
            is_ok=False,
            error=error if running is None or not running.phase else f"{error}, while {running.phase}",
            hint=hint,
            server="" if running is None else running.server,
            backup_id="" if running is None else running.backup_id,
        )
        self._inquiry.abort_soon(outcome.backup_id if kind == "backup" else "")
        self._book(outcome)
        return outcome

    def _left_behind(self) -> Running | None:
        return None if self._journal.is_locked() else self._journal.running()

    def _write_off(self, running: Running) -> None:
        """Note that a job was killed: with an earlier daemon, or by somebody."""
        outcome = Outcome(
            kind=running.kind,
            slot=running.slot,
            started_at=running.started_at,
            ended_at=self._clock.now(),
            is_ok=False,
            # Ended with the daemon before this one: no failure, since it runs again at once.
            is_halted=running.started_at < self._born_at,
            error=f"it was killed{f' while {running.phase}' if running.phase else ''}",
            hint="the kernel's log tells of a lack of memory: journalctl -k",
            server=running.server,
            backup_id=running.backup_id,
        )
        self._inquiry.abort_soon(running.backup_id if running.kind == "backup" else "")
        if self._book(outcome, running):
            _log.warning("backup_job_killed", kind=running.kind, backup_id=running.backup_id, phase=running.phase)

    def _book(self, outcome: Outcome, of: Running | None = None) -> bool:
        """Write it down, where it is of a note unless that is there no more. Returns whether it is written."""
        try:
            with self._journal.locked():
                if of is not None and self._journal.running() != of:
                    return False  # another job has begun and ended since
                self._journal.write_outcome(outcome)
        except BusyError:
            return False  # another job has begun, and its own note is in the place of the one that was left
        except StateError as error:
            _log.warning("backup_outcome_not_kept", error=error.message)
            self._unwritten = [*self._unwritten, outcome][-_WRITTEN_OFF:]
            return False
        return True

    # -- what is to be told of

    def failed_backup(self, outcomes: Sequence[Outcome], newest: Newest | None) -> Outcome | None:
        """Give the last backup of the schedule if it failed, and no backup was made since."""
        last = _last(each for each in outcomes if each.kind == "backup" and each.slot is not None)
        if last is None or last.is_ok:
            return None
        # One that was published and could not be read back is the newest itself.
        is_made_good = newest is not None and newest.backup_id != last.backup_id and newest.began_at >= last.started_at
        return None if is_made_good else last

    def failed_drill(self, outcomes: Sequence[Outcome]) -> Outcome | None:
        """Give the last drill if it failed."""
        last = _last(each for each in outcomes if each.kind == "drill")
        return None if last is None or last.is_ok else last


def _last(outcomes: Iterable[Outcome]) -> Outcome | None:
    """Give the last one that says anything: what was told to end leaves it at what was known before."""
    return next(reversed([outcome for outcome in outcomes if not outcome.is_halted]), None)


def _why(code: int, words: str) -> tuple[str, str]:
    """Say why a job failed that did not say so itself, and what can be done."""
    if code < 0:
        return f"it was ended by signal {-code}", "the kernel's log tells of a lack of memory: journalctl -k"
    if code == 0:
        return "it ended without a word", "report it, with the agent's log"
    return words or f"it ended with exit code {code}", ""
