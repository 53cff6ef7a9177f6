"""What ``status --json`` and the metrics tell of deploys. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.standing import is_taken_back, step_of, why_not_deployed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.deploy.health import Look
    from vawsum_agent.deploy.record import Record

FAILED, RUNNING = "vawsum_deploy_failed", "vawsum_deploy_running"

_FAILED_S = 3600.0
_MARKED_S = 60.0
"""A deploy that takes seconds would else fall between two samples, and leave no mark on a dashboard."""


def row(look: Look) -> dict[str, object]:
    """Tell of one application."""
    standing, running = look.standing, look.running
    left = standing.unfinished if running is None else None
    latest = standing.latest
    last = latest if latest is not None and latest is not standing.unfinished else standing.stuck or standing.deployed
    return {
        "name": look.app.name,
        "path": look.app.path,
        "current": standing.current,
        "last_deploy": None if last is None else _told(last),
        "last_deployed": None if standing.deployed is None else _told(standing.deployed),
        "running": None if running is None else _told(running) | _progress(running),
        "unfinished": None if left is None else _told(left) | _progress(left),
        "last_error": None if look.error is None else look.error.message,
        "hint": None if look.error is None else look.error.hint or None,
    }


def last_success_at(looks: Sequence[Look]) -> float | None:
    """When a release last came into service and stayed; None for never."""
    deployed = [look.standing.deployed for look in looks]
    return max((record.ended_at or record.began_at for record in deployed if record is not None), default=None)


def measures(looks: Sequence[Look], now: float) -> dict[str, float]:
    """What is published. What is not known is no 0: whoever watches it would take that for well."""
    has_failed = any(look.is_stuck or _failed_lately(look.standing.latest, now) for look in looks)
    is_running = any(look.running is not None or _began_lately(look.standing.latest, now) for look in looks)
    is_known = all(look.error is None for look in looks)
    told = {FAILED: has_failed, RUNNING: is_running}
    return {name: float(value) for name, value in told.items() if value or is_known}


def _failed_lately(record: Record | None, now: float) -> bool:
    if record is None or record.end != End.TAKEN_BACK or record.ended_at is None:
        return False
    return now - record.ended_at < _FAILED_S


def _began_lately(record: Record | None, now: float) -> bool:
    return record is not None and 0 <= now - record.began_at < _MARKED_S


def _told(record: Record) -> dict[str, object]:
    failure = why_not_deployed(record)
    return {
        "deploy_id": record.deploy_id,
        "kind": record.kind,
        "release": record.release,
        "previous": record.previous or None,
        "result": None if record.end is None else record.end.value,
        "began_at": rfc3339(record.began_at),
        "ended_at": None if record.ended_at is None else rfc3339(record.ended_at),
        "duration_s": None if record.ended_at is None else round(record.ended_at - record.began_at, 1),
        "by": record.by or None,
        "failed_step": None if failure is None else failure.step.value,
        "error": None if failure is None else failure.text,
    }


def _progress(record: Record) -> dict[str, object]:
    line = step_of(record)
    return {
        "step": None if line is None else line.step.value,
        "step_phase": None if line is None else line.phase,
        "step_at": None if line is None else rfc3339(line.at),
        "is_taken_back": is_taken_back(record),
    }
