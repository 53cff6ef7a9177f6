"""What the journal of this host is told of a restore."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from msgspec.structs import replace

from vawsum_agent.backup.journal import Outcome, Running
from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.journal import Journal
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.restore.meter import Show
    from vawsum_agent.core.clock import Clock

_NOTED_EVERY_S = 1.0


class Noted:
    """One restore, from the first note to the last. The journal's lock is held.

    Args:
        name: of the backup.
        clock: says when.
        journal: of this host.
        show: told the same.
    """

    def __init__(self, name: BackupName, clock: Clock, journal: Journal, show: Show) -> None:
        self._clock = clock
        self._journal = journal
        self._show = show
        self._noted_at = clock.monotonic()
        self._running = Running(
            kind="restore",
            pid=os.getpid(),
            started_at=clock.now(),
            server=name.server,
            backup_id=name.backup_id,
            phase="looking",
        )
        journal.write_running(self._running)

    def failed(self, error: BaseException) -> None:
        """Note that it failed."""
        told = error.message if isinstance(error, AgentError) else f"{type(error).__name__}"
        self._end(is_ok=False, error=told, hint=error.hint if isinstance(error, AgentError) else "")

    def ended(self, differences: Sequence[str], size_bytes: int, raw_bytes: int, restore_s: float) -> None:
        """Note that it was carried out to the end, and what is not as it was.

        Args:
            differences: from the manifest.
            size_bytes: of what was wanted, compressed.
            raw_bytes: that the server took.
            restore_s: until everything was counted.
        """
        self._end(
            is_ok=not differences,
            error=differences[0] if differences else "",
            size_bytes=size_bytes,
            raw_bytes=raw_bytes,
            restore_s=round(restore_s, 3),
        )

    def show(self, phase: str, done_bytes: int, total_bytes: int | None) -> None:
        """Note how far it is, and pass it on. Called by one thread at a time."""
        self._show(phase, done_bytes, total_bytes)
        now = self._clock.monotonic()
        is_new = phase != self._running.phase
        if not is_new and now - self._noted_at < _NOTED_EVERY_S:
            return
        self._noted_at = now
        self._running = replace(self._running, phase=phase, done_bytes=done_bytes, total_bytes=total_bytes)
        self._journal.write_running(self._running, durably=is_new)

    def _end(
        self,
        *,
        is_ok: bool,
        error: str = "",
        hint: str = "",
        size_bytes: int = 0,
        raw_bytes: int = 0,
        restore_s: float | None = None,
    ) -> None:
        running = self._running
        outcome = Outcome(
            kind="restore",
            started_at=running.started_at,
            ended_at=self._clock.now(),
            is_ok=is_ok,
            server=running.server,
            backup_id=running.backup_id,
            error=error,
            hint=hint,
            size_bytes=size_bytes,
            raw_bytes=raw_bytes,
            restore_s=restore_s,
        )
        self._journal.write_outcome(outcome)
