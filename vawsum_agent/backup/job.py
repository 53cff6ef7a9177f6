"""A job of this host while it runs, and how it ended, as the journal is told of it."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import structlog
from msgspec.structs import replace

from vawsum_agent.backup.journal import Outcome, Running
from vawsum_agent.core.errors import AgentError, BusyError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.backup.journal import Journal, Kind
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

_NOTED_EVERY_S = 1.0


class Job:
    """One job, from its first note to its last. The journal's lock is held.

    Args:
        running: what is known of it when it begins.
        journal: of this host.
        clock: wall and monotonic time.
        show: told the phase, bytes done, and bytes in all where that is known.
    """

    def __init__(
        self, running: Running, journal: Journal, clock: Clock, show: Callable[[str, int, int | None], None]
    ) -> None:
        self._running = running
        self._journal = journal
        self._clock = clock
        self._show = show
        self._noted_at = clock.monotonic()
        # If we die from here on, this is found with the lock free: the job was killed.
        journal.write_running(running)

    def name(self, backup_id: str) -> None:
        """Tell which backup it is, before anything is done with it. Raises StateError."""
        self._running = replace(self._running, backup_id=backup_id)
        self._journal.write_running(self._running)

    def show(self, phase: str, done_bytes: int, total_bytes: int | None) -> None:
        """Tell how far it is; noted once a second. Called by one thread at a time."""
        self._show(phase, done_bytes, total_bytes)
        now = self._clock.monotonic()
        if phase == self._running.phase and now - self._noted_at < _NOTED_EVERY_S:
            return
        self._noted_at = now
        self._running = replace(self._running, phase=phase, done_bytes=done_bytes, total_bytes=total_bytes)
        with suppress(StateError):  # shown only: what needs no disk does not end for want of it
            self._journal.write_running(self._running, durably=False)

    def outcome(self, **facts: Any) -> Outcome:  # noqa: ANN401 - the fields of `Outcome`
        """Describe how it ends now; successful unless ``facts`` say otherwise."""
        running = self._running
        plain = Outcome(
            kind=running.kind,
            started_at=running.started_at,
            ended_at=self._clock.now(),
            is_ok=True,
            server=running.server,
            backup_id=running.backup_id,
            slot=running.slot,
        )
        return replace(plain, **facts)

    def end(self, outcome: Outcome) -> None:
        """Note that it was carried out to its end, and what came of it. Raises StateError."""
        self._journal.write_outcome(outcome)

    def failed(self, error: BaseException, *, is_halted: bool) -> None:
        """Note that it failed, or was told to end. Never raises: what is raised is why, not that it can't be noted."""
        known = error if isinstance(error, AgentError) else AgentError(f"{type(error).__name__}: {error}")
        try:
            self.end(self.outcome(is_ok=False, is_halted=is_halted, error=known.message, hint=known.hint))
        except StateError as exc:
            _log.warning("backup_outcome_not_kept", error=exc.message)


@contextmanager
def begun(
    kind: Kind,
    journal: Journal,
    clock: Clock,
    show: Callable[[str, int, int | None], None],
    is_halted: Callable[[], bool],
    *,
    server: str,
    backup_id: str = "",
    slot: float | None = None,
) -> Iterator[Job]:
    """Tell of a job while the context lasts; whoever leaves it well has called `Job.end`.

    Args:
        kind: of job.
        journal: of this host, whose lock is held.
        clock: wall and monotonic time.
        show: told how far it is, beside the journal.
        is_halted: whether somebody said to end: then an error is no failure.
        server: the name of the data.
        backup_id: which backup, where that is known.
        slot: the moment of the schedule that it is for; None by hand.

    Raises:
        StateError: it can't be noted that it begins.
    """
    running = Running(kind=kind, pid=os.getpid(), started_at=clock.now(), server=server, backup_id=backup_id, slot=slot)
    job = Job(running, journal, clock, show)
    try:
        yield job
    except BusyError:
        journal.forget_running()  # nothing was begun
        raise
    except BaseException as error:
        job.failed(error, is_halted=is_halted())
        raise
