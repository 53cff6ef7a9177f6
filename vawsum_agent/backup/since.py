"""From when a schedule counts on this host: what came before it is not caught up with.

``state_dir/backup/schedules.json``, written by the daemon alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.durable import write_durably
from vawsum_agent.core.errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o640


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule, and since when it is there (seconds since the epoch)."""

    schedule: str
    timezone: str
    since: float


def since(noted: Noted | None, schedule: str, timezone: str, newest_at: float | None, now: float) -> Noted:
    """Decide from when a schedule counts. Pure.

    A new host waits for its first slot. One that was built anew, whose data have backups in S3, goes on where those
    end. A schedule that was changed waits for its first slot, too: nobody expects a backup from editing a file.

    Args:
        noted: what was decided before on this host; None for nothing.
        schedule: as configured.
        timezone: of the schedule.
        newest_at: when the newest backup of these data began; None where there is none.
        now: seconds since the epoch.
    """
    if noted is None:
        return Noted(schedule=schedule, timezone=timezone, since=now if newest_at is None else min(newest_at, now))
    if (noted.schedule, noted.timezone) != (schedule, timezone) or noted.since > now:
        return Noted(schedule=schedule, timezone=timezone, since=now)
    return noted


class Schedules:
    """The file. A host that lost it is a new one.

    Args:
        folder: of the journal.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "schedules.json"

    def read(self) -> dict[str, Noted]:
        """What was decided, by kind of job; nothing where the file can't be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Noted])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}

    def write(self, noted: dict[str, Noted]) -> None:
        """Note it. Raises StateError."""
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            write_durably(self._path, msgspec.json.encode(noted), mode=_MODE)
        except OSError as exc:
            message = f"{self._path} can't be written: {exc.strerror}"
            raise StateError(message, hint="free some space, or see who owns it") from exc
