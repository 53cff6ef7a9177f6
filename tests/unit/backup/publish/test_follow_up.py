"""What follows a backup that was published: it counts, unless what S3 gives is not what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.backup.manifests import manifest
from tests.unit.backup.publish.buckets import PREFIX, MemoryBucket
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish.catalog import Catalog
from vawsum_agent.backup.publish.follow_up import FollowUp, FoundDamaged
from vawsum_agent.backup.restore.source import Damaged
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AccessDenied, BackupError, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.core.errors import AgentError

OLD, NEW = BackupName("db", "20260101T000000Z"), BackupName("db", "20260102T000000Z")


class Untagged(MemoryBucket):
    """A bucket whose tags nobody may see."""

    def tags(self, key: str) -> Mapping[str, str]:
        """See `BackupBucket.tags`."""
        raise AccessDenied(f"s3:GetObjectTagging on {key} is not allowed")


def follow_up(bucket: MemoryBucket, error: AgentError | None = None) -> FollowUp:
    """One that reads back well, or finds something."""

    def verify(name: BackupName, _: Manifest) -> None:
        if error is not None:
            bucket.damage(name)
            raise error

    return FollowUp(verify, bucket, Catalog(bucket, PREFIX), PREFIX, 1, SystemClock())


def published(bucket: MemoryBucket) -> MemoryBucket:
    """Two backups."""
    for name in (OLD, NEW):
        bucket.publish(name)
    return bucket


@pytest.mark.parametrize("error", [Damaged("no frame"), NotFound("it is gone", code="NoSuchKey")])
def test_damaged(error: AgentError) -> None:
    """It is told apart from one that could not be read, and what it had made needless is needed again."""
    bucket = published(MemoryBucket())
    catalog = Catalog(bucket, PREFIX)
    assert follow_up(bucket)(NEW, manifest(NEW)).is_verified
    assert catalog.is_expiring(OLD)
    with pytest.raises(FoundDamaged, match="published, but damaged") as caught:
        follow_up(bucket, error)(NEW, manifest(NEW))
    assert caught.value.message == f"backup {NEW.backup_id} is published, but damaged: {error.message}"
    assert "it counts as none" in caught.value.hint
    assert not catalog.is_expiring(OLD)


def test_damaged_and_tags_are_denied() -> None:
    """What can't be unmarked hides no damage, and is told."""
    with pytest.raises(FoundDamaged, match=r"damaged: no frame; older backups may be removed .* is not allowed"):
        follow_up(published(Untagged()), Damaged("no frame"))(NEW, manifest(NEW))


def test_damage_that_can_not_be_noted() -> None:
    """Nobody is told that it counts as none where S3 does not say so."""
    bucket = published(MemoryBucket())

    def verify(_: BackupName, __: Manifest) -> None:
        raise Damaged("no frame")

    follow = FollowUp(verify, bucket, Catalog(bucket, PREFIX), PREFIX, 1, SystemClock())
    with pytest.raises(FoundDamaged) as caught:
        follow(NEW, manifest(NEW))
    assert f"still counts: vawsum-agent backup verify {NEW.backup_id}" in caught.value.hint


def test_not_read_back() -> None:
    """That S3 is away says nothing of the backup."""
    with pytest.raises(BackupError, match="published, but not verified: no answer") as caught:
        follow_up(published(MemoryBucket()), Unavailable("no answer"))(NEW, manifest(NEW))
    assert not isinstance(caught.value, FoundDamaged)
