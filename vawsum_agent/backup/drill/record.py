"""A drill as a job of this host: one at a time, told on disk while it runs and when it ended."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.backup.journal import Outcome, Running
from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.backup.drill.drill import Drill, Result
    from vawsum_agent.backup.journal import Journal
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.core.clock import Clock

_NOTE_EVERY_S = 1.0


def run_recorded(
    drill: Drill,
    choose: Callable[[], BackupName],
    journal: Journal,
    clock: Clock,
    *,
    server: str,
    slot: float | None,
    show: Callable[[str, int, int | None], None],
    is_halted: Callable[[], bool],
) -> Result:
    """Hold a drill under the lock, and write down how it ended.

    Args:
        drill: what is held.
        choose: finds the backup.
        journal: of this host.
        clock: tells the time.
        server: the name of the data.
        slot: the moment of the schedule that it runs for; None by hand.
        show: told the phase and bytes.
        is_halted: whether it is to end.

    Raises:
        BusyError: another job of backups runs on this host; nothing is written down then.
        AgentError: see `Drill.run`; written down.
    """
    with journal.locked():
        notes = _Notes(
            journal, clock, Running(kind="drill", pid=os.getpid(), started_at=clock.now(), server=server, slot=slot)
        )
        try:
            backup = choose()
            notes.name(backup.backup_id)

            def tell(phase: str, done_bytes: int, total_bytes: int | None) -> None:
                notes.note(phase, done_bytes, total_bytes)
                show(phase, done_bytes, total_bytes)

            result = drill.run(backup, tell, is_halted)
        except AgentError as error:
            journal.write_outcome(msgspec.structs.replace(notes.outcome(error), is_halted=is_halted()))
            raise
        ended = notes.outcome(None)
        sizes = result.manifest.dump
        journal.write_outcome(
            msgspec.structs.replace(
                ended,
                size_bytes=sizes.size_bytes,
                raw_bytes=sizes.raw_bytes,
                restore_s=result.findings.restore_s,
            )
        )
        return result


class _Notes:
    """What the drill is doing, written down at most once a second."""

    def __init__(self, journal: Journal, clock: Clock, running: Running) -> None:
        self._journal = journal
        self._clock = clock
        self._running = running
        self._noted_at = clock.monotonic()
        # If we die from here on, this is found with the lock free: the drill was killed.
        journal.write_running(running)

    def name(self, backup_id: str) -> None:
        """Tell of which backup it is."""
        self._running = msgspec.structs.replace(self._running, backup_id=backup_id)
        self._journal.write_running(self._running)

    def note(self, phase: str, done_bytes: int, total_bytes: int | None) -> None:
        """Tell how far it is."""
        now, is_new = self._clock.monotonic(), phase != self._running.phase
        if is_new or now - self._noted_at >= _NOTE_EVERY_S:
            self._noted_at = now
            self._running = msgspec.structs.replace(
                self._running, phase=phase, done_bytes=done_bytes, total_bytes=total_bytes
            )
            self._journal.write_running(self._running, durably=False)

    def outcome(self, error: AgentError | None, *, is_halted: bool = False) -> Outcome:
        """Tell how it ended."""
        running = self._running
        return Outcome(
            kind="drill",
            started_at=running.started_at,
            ended_at=self._clock.now(),
            is_ok=error is None,
            server=running.server,
            backup_id=running.backup_id,
            slot=running.slot,
            is_halted=is_halted,
            error=error.message if error is not None else "",
            hint=error.hint if error is not None else "",
        )
