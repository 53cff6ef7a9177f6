"""A drill as a job of this host: one at a time, told on disk while it runs and when it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.job import begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.backup.drill.drill import Drill, Result
    from vawsum_agent.backup.journal import Journal
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.core.clock import Clock


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
    with (
        journal.locked(),
        begun("drill", journal, clock, show, is_halted, server=server, slot=slot) as job,
    ):
        backup = choose()
        job.name(backup.backup_id)
        result = drill.run(backup, job.show, is_halted)
        sizes = result.manifest.dump
        job.end(
            job.outcome(size_bytes=sizes.size_bytes, raw_bytes=sizes.raw_bytes, restore_s=result.findings.restore_s)
        )
        return result
