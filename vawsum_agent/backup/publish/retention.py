"""Which backups may expire. Pure; the host deletes nothing: it tags, and the bucket's lifecycle rule removes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.names import BackupName

_DAY_S = 86_400.0

UNFINISHED_AFTER_S = _DAY_S
"""What got no manifest within a day never will: its holder's lease ended long ago."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What matters of a folder in the bucket.

    Attributes:
        is_published: it has a manifest.
        is_verified: and was read back whole.
        age_s: since its latest object was written, by the clock of S3.
    """

    name: BackupName
    is_published: bool
    is_verified: bool
    age_s: float


def may_expire(rows: Sequence[Kept], keep_at_least: int) -> list[BackupName]:
    """Choose what ``keep_at_least`` newer verified backups make needless, and what never became a backup.

    However many runs failed since, a backup that has not so many good successors is not chosen.

    Args:
        rows: of one server, in any order.
        keep_at_least: verified backups that never expire.
    """
    chosen = []
    verified_newer = 0
    for row in sorted(rows, key=lambda row: row.name.backup_id, reverse=True):
        is_needless = row.is_published and verified_newer >= keep_at_least
        is_abandoned = not row.is_published and row.age_s > UNFINISHED_AFTER_S
        if is_needless or is_abandoned:
            chosen.append(row.name)
        if row.is_verified:
            verified_newer += 1
    return chosen


def removed_at(created_at: float, retention_days: int) -> float:
    """Tell when the bucket's rule removes what it may: at the next midnight in UTC (S3 user guide, Lifecycle).

    Args:
        created_at: of the object, seconds since the epoch.
        retention_days: of the rule.
    """
    return -(-(created_at + retention_days * _DAY_S) // _DAY_S) * _DAY_S
