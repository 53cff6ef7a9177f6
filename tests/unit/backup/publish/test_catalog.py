"""What exists is what has a manifest; what may expire is tagged whole; what nobody completes is aborted."""

from __future__ import annotations

import pytest

from tests.unit.backup.publish.buckets import PREFIX, MemoryBucket
from vawsum_agent.aws.uploads import PendingUpload
from vawsum_agent.backup.names import DUMP, MANIFEST, BackupName
from vawsum_agent.backup.publish import sidecars
from vawsum_agent.backup.publish.catalog import EXPIRE_TAG, Catalog, Damage
from vawsum_agent.backup.publish.expire import keep_needed, mark_expired
from vawsum_agent.backup.publish.leftovers import ORPHANED_AFTER_S, abort_all_but, abort_orphans, abort_uploads_of
from vawsum_agent.backup.publish.retention import UNFINISHED_AFTER_S
from vawsum_agent.core.errors import BackupError


def night(day: int, server: str = "db") -> BackupName:
    """The backup of a day."""
    return BackupName(server, f"202601{day:02}T000000Z")


@pytest.fixture
def bucket() -> MemoryBucket:
    """An empty one."""
    return MemoryBucket()


def test_a_backup_has_a_manifest(bucket: MemoryBucket) -> None:
    """What has none is found, and is no backup; other people's objects are passed over."""
    bucket.publish(night(1))
    bucket.put_new(night(2).key(PREFIX, DUMP), b"", "")
    bucket.put_new(f"{PREFIX}db/lease.json", b"", "")
    bucket.put_new(f"{PREFIX}notes.txt", b"", "")
    bucket.publish(night(3, "other"))
    catalog = Catalog(bucket, PREFIX)
    assert catalog.backups("db") == [night(1)]
    assert catalog.backups() == [night(1), night(3, "other")]
    assert [found.name for found in catalog.found("db")] == [night(1), night(2)]


def test_a_server_is_not_the_beginning_of_another(bucket: MemoryBucket) -> None:
    """`db` and `db-2` are two."""
    bucket.publish(night(1, "db-2"))
    assert Catalog(bucket, PREFIX).backups("db") == []


def test_newest_with_all_that_is_known(bucket: MemoryBucket) -> None:
    """The latest look counts; a damaged one counts for nothing."""
    bucket.publish(night(1))
    for restore_s in (5.0, 7.0):
        drilled = sidecars.Drilled(drilled_at="", by="", restore_s=restore_s, tables=1, rows=3)
        sidecars.write(bucket, PREFIX, night(1), drilled)
    newest = Catalog(bucket, PREFIX).newest("db")
    assert newest is not None
    assert newest.verified is not None
    assert newest.drilled is not None
    assert newest.drilled.restore_s == 7.0
    bucket.bodies[night(1).key(PREFIX, "verified.json")] = b"{"
    damaged = Catalog(bucket, PREFIX).newest("db")
    assert damaged is not None
    assert damaged.verified is None


def test_a_manifest_of_another(bucket: MemoryBucket) -> None:
    """A copied folder would restore what it does not say."""
    bucket.publish(night(1))
    bucket.put_new(night(2).key(PREFIX, MANIFEST), bucket.bodies[night(1).key(PREFIX, MANIFEST)], "")
    with pytest.raises(BackupError, match="tells of db/20260101T000000Z"):
        Catalog(bucket, PREFIX).manifest(night(2))
    with pytest.raises(BackupError, match="there is no backup"):
        Catalog(bucket, PREFIX).manifest(night(3))


def test_expired_are_tagged_whole(bucket: MemoryBucket) -> None:
    """Every object of the old ones, sidecars too; other tags stay; the second time there is nothing to do."""
    for day in range(1, 6):
        bucket.publish(night(day))
    catalog = Catalog(bucket, PREFIX)
    bucket.set_tags(night(1).key(PREFIX, DUMP), {"team": "ops"})
    marked = mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=3, now=10.0)
    assert sorted(marked) == [night(1), night(2)]
    assert set(bucket.labels) == {key for key in bucket.bodies if any(key.startswith(n.folder(PREFIX)) for n in marked)}
    assert bucket.labels[night(1).key(PREFIX, DUMP)] == {"team": "ops", EXPIRE_TAG: "true"}
    assert catalog.is_expiring(night(1))
    assert not catalog.is_expiring(night(3))
    assert mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=3, now=10.0) == []


def test_damaged_ones_succeed_nobody(bucket: MemoryBucket) -> None:
    """One that a later look found damaged is verified no more, and nothing older expires for its sake."""
    for day in range(1, 6):
        bucket.publish(night(day))
    bucket.damage(night(5))
    catalog = Catalog(bucket, PREFIX)
    last = catalog.published(catalog.found("db")[-1])
    assert (last.verified, last.damage) == (None, ("no frame",))
    assert mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=3, now=10.0) == [night(1)]


def test_the_newest_is_none_that_is_damaged(bucket: MemoryBucket) -> None:
    """The newest is the latest that is not known to be damaged, verified or not; those after it are named."""
    catalog = Catalog(bucket, PREFIX)
    for day in range(1, 5):
        bucket.publish(night(day), is_verified=day != 2)
    bucket.put_new(night(5).key(PREFIX, DUMP), b"", "")
    for day in (1, 3, 4):
        bucket.damage(night(day))
    standing = catalog.standing(catalog.found("db"))
    assert standing.newest is not None
    assert standing.newest.name == night(2)
    assert standing.damaged == (Damage(night(4), ("no frame",)), Damage(night(3), ("no frame",)))
    newest = catalog.newest("db")
    assert newest is not None
    assert newest.name == night(2)
    bucket.damage(night(2))
    assert catalog.newest("db") is None
    assert len(catalog.standing(catalog.found("db")).damaged) == 4


def test_what_is_needed_again_is_unmarked(bucket: MemoryBucket) -> None:
    """What made a backup needless was found damaged: nothing of it may be removed, and other tags stay."""
    for day in range(1, 5):
        bucket.publish(night(day))
    bucket.set_tags(night(1).key(PREFIX, DUMP), {"team": "ops"})
    catalog = Catalog(bucket, PREFIX)
    assert mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=3, now=10.0) == [night(1)]
    for day in range(2, 5):
        bucket.damage(night(day))
    assert keep_needed(bucket, catalog, PREFIX, "db", keep_at_least=3, now=10.0) == ""
    assert not catalog.is_expiring(night(1))
    assert {tags[EXPIRE_TAG] for tags in bucket.labels.values()} == {"false"}
    assert bucket.labels[night(1).key(PREFIX, DUMP)]["team"] == "ops"
    bucket.publish(night(5))
    assert mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=1, now=10.0)[-1] == night(1), "it may go once more"


def test_more_are_kept_from_now_on(bucket: MemoryBucket) -> None:
    """Whoever raises `keep_at_least` gets back what was marked and is still there, with the next run."""
    for day in range(1, 6):
        bucket.publish(night(day))
    catalog = Catalog(bucket, PREFIX)
    mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=3, now=10.0)
    assert mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=4, now=10.0) == []
    assert [day for day in range(1, 6) if catalog.is_expiring(night(day))] == [1]


def test_what_never_became_a_backup_stays_marked(bucket: MemoryBucket) -> None:
    """It makes nothing needless, and nobody needs it."""
    bucket.put_new(night(1).key(PREFIX, DUMP), b"", "")
    catalog = Catalog(bucket, PREFIX)
    now = UNFINISHED_AFTER_S + 1.0
    assert mark_expired(bucket, catalog, PREFIX, "db", keep_at_least=3, now=now) == [night(1)]
    assert keep_needed(bucket, catalog, PREFIX, "db", keep_at_least=3, now=now) == ""
    assert bucket.labels[night(1).key(PREFIX, DUMP)] == {EXPIRE_TAG: "true"}


def test_leftovers(bucket: MemoryBucket) -> None:
    """Of the killed backup all; of others what is an hour old."""
    begun = {1: 0.0, 2: 0.0, 3: ORPHANED_AFTER_S}
    bucket.uploads = [PendingUpload(night(day).key(PREFIX, DUMP), f"{day}", at) for day, at in begun.items()]
    everything = list(bucket.uploads)
    assert abort_all_but(bucket, PREFIX, night(2)) == 2
    assert [upload.upload_id for upload in bucket.uploads] == ["2"]
    bucket.uploads = everything
    now = ORPHANED_AFTER_S + 1.0
    assert abort_orphans(bucket, PREFIX, "db", now) == 2
    assert [upload.upload_id for upload in bucket.uploads] == ["3"]
    assert abort_uploads_of(bucket, PREFIX, night(2)) == 0
    assert abort_uploads_of(bucket, PREFIX, night(3)) == 1
    assert bucket.uploads == []
