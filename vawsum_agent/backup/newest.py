"""What the daemon is told of the backups in S3: the newest one, and what was left of those that were cut off.

Asked on the component's thread, never in ``status()``: at once, when a job has ended, and each hour, since another host
of the same data may have made one. While S3 does not answer, what was known stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.backup.names import BackupName, is_backup_id
from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.backup.journal import Outcome
    from vawsum_agent.backup.publish.catalog import Damage
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

ASK_EVERY_S = 3600.0
_FIRST_RETRY_S = 15.0
_LONGEST_RETRY_S = 600.0
TOLERATED_S = 120.0
"""Not being answered for less is a hiccup."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest backup that exists and is not known to be damaged. Times are seconds since the epoch.

    Attributes:
        began_at: when its snapshot was taken.
        duration_s: from that to its last byte.
        flags: what its manifest says people should know of it.
        drilled_at, restore_s: of its latest drill; None where it had none that proved it.
        drill_problems: what that drill found wrong, on whatever host it was held.
    """

    backup_id: str
    server: str
    began_at: float
    finished_at: float
    duration_s: float
    size_bytes: int
    raw_bytes: int
    is_verified: bool
    flags: tuple[str, ...] = ()
    drilled_at: float | None = None
    restore_s: float | None = None
    drill_problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at S3 has shown.

    Attributes:
        newest: backup that exists and is not known to be damaged; None where there is none.
        damaged: those after it, the latest first: they count as none.
    """

    newest: Newest | None = None
    damaged: tuple[Damage, ...] = ()


class BackupsInS3(Protocol):
    """The backups of this host's data. All calls are bounded in time and raise AgentError."""

    def look(self) -> Seen:
        """Read what is known of the newest, and of those after it."""
        ...

    def abort_uploads_of(self, backup_id: str) -> int:
        """Abort what was begun of a backup that nobody makes any more; returns how many there were."""
        ...

    def abort_orphans(self) -> int:
        """Abort what was begun over an hour ago and is of no current lease; returns how many there were."""
        ...


class Inquiry:
    """Asks, and remembers. Owned by one thread; what it knows may be read by any.

    Args:
        backups: in S3.
        clock: wall and monotonic time.
        dice: random numbers in [0, 1), for jitter.

    Attributes:
        newest, damaged: of the last answer, see `Seen`.
        answered_at: when that was, by the wall clock; None before there was any.
        error: why the last question was not answered; None when it was.
        failing_since: by the monotonic clock.
    """

    def __init__(self, backups: BackupsInS3, clock: Clock, dice: Callable[[], float]) -> None:
        self.newest: Newest | None = None
        self.damaged: tuple[Damage, ...] = ()
        self.answered_at: float | None = None
        self.error: AgentError | None = None
        self.failing_since = 0.0
        self._backups = backups
        self._clock = clock
        self._dice = dice
        self._ask_at = clock.monotonic()
        self._sweep_at = clock.monotonic()
        self._killed: list[str] = []
        self._attempt = 0

    def ask_soon(self) -> None:
        """Something happened: what was known may not hold any more."""
        self._ask_at = self._clock.monotonic()

    def abort_soon(self, backup_id: str) -> None:
        """A job was killed: what it began to upload goes. Forgotten by a crash, it is found by the hourly look."""
        if backup_id and backup_id not in self._killed:
            self._killed.append(backup_id)
            self.ask_soon()

    def is_due(self) -> bool:
        """Whether `turn` would ask."""
        return self._clock.monotonic() >= self._ask_at

    def turn(self) -> None:
        """Ask if it is time. Takes as long as S3 does."""
        if not self.is_due():
            return
        try:
            asked_at = self._clock.now()
            seen = self._backups.look()
            self.newest, self.damaged = seen.newest, seen.damaged
            # Before the rest: who may not list or abort uploads knows of the backups all the same, and makes some.
            self.answered_at = asked_at
            self._tidy()
        except AgentError as error:
            self._fail(error)
            return
        if self.error is not None:
            _log.info("backups_seen_again", failed_for_s=round(self._clock.monotonic() - self.failing_since))
        self.error, self._attempt = None, 0
        self._ask_at = self._clock.monotonic() + ASK_EVERY_S

    def _tidy(self) -> None:
        count = 0
        while self._killed:
            # If we die in between, it is found an hour later.
            count += self._backups.abort_uploads_of(self._killed[0])
            del self._killed[0]
        if self._clock.monotonic() >= self._sweep_at:
            count += self._backups.abort_orphans()
            self._sweep_at = self._clock.monotonic() + ASK_EVERY_S / 2
        if count:
            _log.info("backup_uploads_aborted", count=count)

    def _fail(self, error: AgentError) -> None:
        if self.error is None:
            self.failing_since = self._clock.monotonic()
            _log.warning("backups_not_seen", error=error.message, hint=error.hint)
        self.error = error
        wait_s = backoff_s(self._attempt, self._dice(), first_s=_FIRST_RETRY_S, longest_s=_LONGEST_RETRY_S)
        self._attempt += 1
        self._ask_at = self._clock.monotonic() + wait_s

    def lasting_error(self) -> AgentError | None:
        """Give the error once it is no hiccup any more."""
        if self.error is None or self._clock.monotonic() - self.failing_since < TOLERATED_S:
            return None
        return self.error


def of_journal(outcomes: Sequence[Outcome]) -> Newest | None:
    """Tell of the last backup that was made on this host, as far as the journal knows it; None where there is none."""
    for outcome in reversed(outcomes):
        if outcome.kind == "backup" and outcome.is_ok and not outcome.is_skipped and is_backup_id(outcome.backup_id):
            return Newest(
                backup_id=outcome.backup_id,
                server=outcome.server,
                began_at=BackupName(outcome.server, outcome.backup_id).began_at,
                finished_at=outcome.ended_at,
                duration_s=max(0.0, outcome.ended_at - outcome.started_at),
                size_bytes=outcome.size_bytes,
                raw_bytes=outcome.raw_bytes,
                is_verified=outcome.is_verified,
                flags=tuple(outcome.flags),
            )
    return None


def known(inquiry: Inquiry, outcomes: Sequence[Outcome]) -> Newest | None:
    """Tell of the newest backup: what S3 said, unless one was made here since, or it never answered."""
    own = of_journal(outcomes)
    if inquiry.answered_at is None:
        return own
    return own if own is not None and own.finished_at > inquiry.answered_at else inquiry.newest
