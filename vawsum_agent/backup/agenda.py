"""What is to be done next: which slots wait for a run, when what failed is tried again, when the next ones come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.backup.health import oldest_s
from vawsum_agent.backup.schedule import due, last_slot, next_slot
from vawsum_agent.backup.since import Noted, Schedules, since
from vawsum_agent.backup.tries import Tries
from vawsum_agent.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.child import JobKind
    from vawsum_agent.backup.journal import Outcome
    from vawsum_agent.backup.newest import Newest
    from vawsum_agent.backup.publish.catalog import Damage
    from vawsum_agent.config.model import BackupConfig

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Task:
    """A run that is due.

    Attributes:
        slot: the moment of the schedule that it is for.
        wait_s: until it may be tried; 0 for now.
    """

    kind: JobKind
    slot: float
    wait_s: float


class Agenda:
    """Owned by one thread.

    Args:
        config: both schedules.
        schedules: remembers from when they count.
    """

    def __init__(self, config: BackupConfig, schedules: Schedules) -> None:
        self._timezone = config.timezone
        self._schedules: dict[JobKind, str] = {"backup": config.schedule}
        if config.drill is not None:
            self._schedules["drill"] = config.drill.schedule
        self._file = schedules
        self._noted: dict[str, Noted] = {}
        self._is_read = False
        self._tries: dict[JobKind, Tries] = {kind: Tries(kind) for kind in self._schedules}

    def since(self, kind: JobKind) -> float | None:
        """Tell from when a schedule counts; None while that is not known, or there is none."""
        noted = self._noted.get(kind)
        return None if noted is None else noted.since

    def note(self, newest: Newest | None, now: float, *, is_answered: bool) -> None:
        """Decide from when each schedule counts, if that was not decided before.

        Args:
            newest: backup in S3.
            is_answered: whether S3 said so: a host without a past needs to know whether its data have one.
            now: seconds since the epoch.
        """
        if not self._is_read:
            self._noted, self._is_read = self._file.read(), True
        noted: dict[str, Noted] = {
            kind: self._since(kind, newest, now) for kind in self._schedules if kind in self._noted or is_answered
        }
        if noted == self._noted:
            return
        self._noted = noted
        try:
            self._file.write(self._noted)
        except StateError as error:
            # Kept in memory: a restart before the first backup would wait for the next slot once more.
            _log.warning("schedule_not_noted", error=error.message)

    def _since(self, kind: JobKind, newest: Newest | None, now: float) -> Noted:
        # A drill that nobody held on a host that is gone is not caught up with.
        newest_at = newest.began_at if newest is not None and kind == "backup" else None
        return since(self._noted.get(kind), self._schedules[kind], self._timezone, newest_at, now)

    def tasks(
        self, outcomes: Sequence[Outcome], newest: Newest | None, damaged: Sequence[Damage], now: float, now_s: float
    ) -> list[Task]:
        """List the runs that are due, the backup first: what is restored in a drill should be there before.

        Args:
            outcomes: of earlier jobs.
            newest: backup that exists.
            damaged: backups after it, by which nothing is done.
            now: seconds since the epoch.
            now_s: of the monotonic clock.
        """
        spoilt = {each.name.backup_id for each in damaged}
        outcomes = [each for each in outcomes if each.kind != "backup" or each.backup_id not in spoilt]
        found = []
        for kind, schedule in self._schedules.items():
            begun, slot = self.since(kind), last_slot(schedule, self._timezone, now)
            if begun is None or slot is None or not due(slot, _done(kind, outcomes, newest, now), begun, now):
                continue
            if kind == "drill" and newest is None:
                continue  # nothing to restore, and that is told already
            found.append(Task(kind, slot, self._tries[kind].wait_s(slot, now_s)))
        return found

    def failed(self, kind: JobKind, slot: float, now_s: float) -> None:
        """Note a failed run."""
        self._tries[kind].failed(slot, now_s)

    def was_busy(self, kind: JobKind, slot: float, now_s: float) -> None:
        """Note a run that could not begin."""
        self._tries[kind].was_busy(slot, now_s)

    def next_slot(self, kind: JobKind, now: float) -> float | None:
        """Tell when the schedule comes next; None where there is none."""
        schedule = self._schedules.get(kind)
        return None if schedule is None else next_slot(schedule, self._timezone, now)

    def oldest_s(self, now: float) -> float:
        """Tell how old the newest backup may be."""
        return oldest_s(self._schedules["backup"], self._timezone, now)


def _done(kind: JobKind, outcomes: Sequence[Outcome], newest: Newest | None, now: float) -> float | None:
    """Find the latest moment for which it is done: by this host, by hand, or by another host of the same data.

    What was noted under a clock that went ahead is left out: it would hide what was done since.
    """
    moments = [
        outcome.started_at if outcome.slot is None else outcome.slot
        for outcome in outcomes
        if outcome.kind == kind and outcome.is_ok
    ]
    if kind == "backup" and newest is not None:
        moments.append(newest.began_at)
    return max((moment for moment in moments if moment <= now), default=None)
