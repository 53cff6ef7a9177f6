"""What ``status --json`` shows of backups. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import rfc3339

if TYPE_CHECKING:
    from vawsum_agent.backup.health import Look
    from vawsum_agent.backup.journal import Outcome, Running
    from vawsum_agent.backup.newest import Newest
    from vawsum_agent.config.model import BackupConfig


@dataclass(frozen=True, slots=True)
class Shown:
    """What the component's thread saw with its last turn.

    Attributes:
        look: what is judged.
        is_answered: S3 has said which backup is the newest.
        running: the job that holds the lock, of whatever process.
        drill: the last one that proved a backup; None for none.
        next_try_at: when what failed is tried again.
    """

    look: Look
    is_answered: bool = False
    running: Running | None = None
    drill: Outcome | None = None
    next_slot: float | None = None
    next_drill_slot: float | None = None
    next_try_at: float | None = None


def restored(shown: Shown) -> tuple[str, float, float] | None:
    """Tell which backup was last proven to restore, when, and in how many seconds; here or by another host."""
    found = []
    drill, newest = shown.drill, shown.look.newest
    if drill is not None and drill.restore_s is not None:
        found.append((drill.backup_id, drill.ended_at, drill.restore_s))
    if newest is not None and newest.drilled_at is not None and newest.restore_s is not None:
        found.append((newest.backup_id, newest.drilled_at, newest.restore_s))
    return max(found, key=lambda row: row[1], default=None)


def details(shown: Shown, config: BackupConfig, now: float) -> dict[str, object]:
    """Put the details together."""
    newest, drill = shown.look.newest, restored(shown)
    return {
        "server": shown.look.server,
        "location": f"s3://{config.bucket}/{config.prefix}{shown.look.server}/",
        "schedule": config.schedule,
        "timezone": config.timezone,
        "is_known": shown.look.is_known,
        "last_backup": None if newest is None else _backup(newest),
        "last_drill": None
        if drill is None
        else {"backup_id": drill[0], "at": rfc3339(drill[1]), "restore_s": round(drill[2], 1)},
        "rpo_s": None if newest is None else round(max(0.0, now - newest.began_at), 1),
        "rto_s": None if drill is None else round(drill[2], 1),
        "running": None if shown.running is None else _running(shown.running),
        "next_slot": _moment(shown.next_slot),
        "next_drill_slot": _moment(shown.next_drill_slot),
        "next_try_at": _moment(shown.next_try_at),
        "retention": {"retention_days": config.retention_days, "keep_at_least": config.keep_at_least},
    }


def _backup(newest: Newest) -> dict[str, object]:
    return {
        "backup_id": newest.backup_id,
        "server": newest.server,
        "began_at": rfc3339(newest.began_at),
        "finished_at": rfc3339(newest.finished_at),
        "duration_s": round(newest.duration_s, 1),
        "size_bytes": newest.size_bytes,
        "raw_bytes": newest.raw_bytes,
        "is_verified": newest.is_verified,
        "flags": list(newest.flags),
    }


def _running(running: Running) -> dict[str, object]:
    return {
        "kind": running.kind,
        "pid": running.pid,
        "started_at": rfc3339(running.started_at),
        "backup_id": running.backup_id,
        "slot": _moment(running.slot),
        "phase": running.phase,
        "done_bytes": running.done_bytes,
        "total_bytes": running.total_bytes,
    }


def _moment(at: float | None) -> str | None:
    return None if at is None else rfc3339(at)
