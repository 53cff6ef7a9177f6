"""What follows a backup that is published: it is read back, and older ones that it makes needless are marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import structlog

from vawsum_agent.backup.publish.expire import TagBucket, keep_needed, mark_expired
from vawsum_agent.backup.publish.verify import is_damage
from vawsum_agent.core.errors import AgentError, BackupError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.publish.catalog import Catalog
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()
_T = TypeVar("_T")


class FoundDamaged(BackupError):
    """It was published, and what S3 gives is not what was written: it counts as no backup, and another is wanted."""


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """What came of it.

    Attributes:
        is_verified: it was read back.
        remark: what people should know, in a sentence; empty for nothing.
    """

    is_verified: bool
    remark: str = ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Does so.

    Attributes:
        verify: reads a backup back and says so beside its manifest; None: left out, and nothing is marked.
        keep_at_least: verified backups that never expire.
    """

    verify: Callable[[BackupName, Manifest], object] | None
    bucket: TagBucket
    catalog: Catalog
    prefix: str
    keep_at_least: int
    clock: Clock

    def __call__(self, name: BackupName, manifest: Manifest) -> FollowedUp:
        """Follow up on one.

        Raises:
            FoundDamaged: what could be read back is not what was written.
            BackupError: it was published, and could not be read back.
        """
        if self.verify is None:
            return FollowedUp(is_verified=False)
        try:
            self.verify(name, manifest)
        except AgentError as exc:
            if is_damage(exc):
                raise self._damaged(name, exc) from exc
            message = f"backup {name.backup_id} is published, but not verified: {exc.message}"
            raise BackupError(message, hint=f"vawsum-agent backup verify {name.backup_id}") from exc
        try:
            # Only now, after a run that succeeded: failed nights make nothing needless.
            marked = self._over_all(mark_expired, name.server)
        except AgentError as exc:
            # What is kept for a night too long harms nobody, and the next run marks it; what is kept for ever costs.
            return FollowedUp(is_verified=True, remark=f"older backups could not be marked for removal: {exc.message}")
        if marked:
            _log.info("backups_marked", backup_ids=[each.backup_id for each in marked])
        return FollowedUp(is_verified=True)

    def _damaged(self, name: BackupName, error: AgentError) -> FoundDamaged:
        remark = self._over_all(keep_needed, name.server)
        faults = "; ".join(filter(None, (error.message, remark)))
        message = f"backup {name.backup_id} is published, but damaged: {faults}"
        if not self._is_noted(name):
            hint = f"that could not be noted in S3, where it still counts: vawsum-agent backup verify {name.backup_id}"
            return FoundDamaged(message, hint=hint)
        return FoundDamaged(message, hint="it counts as none: vawsum-agent backup run makes another")

    def _over_all(self, look: Callable[..., _T], server: str) -> _T:
        now = self.clock.now()
        return look(self.bucket, self.catalog, self.prefix, server, keep_at_least=self.keep_at_least, now=now)

    def _is_noted(self, name: BackupName) -> bool:
        try:
            return bool(self.catalog.damage(name))
        except AgentError:
            return False
