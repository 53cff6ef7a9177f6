"""What the daemon asks S3: the newest backup, whoever made it, and what was left of those that were cut off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.unit.backup.manifests import manifest
from vawsum_agent.aws.lease import Held, Lease
from vawsum_agent.backup.in_bucket import InBucket
from vawsum_agent.backup.manifest import encode
from vawsum_agent.backup.names import LEASE, MANIFEST, BackupName
from vawsum_agent.backup.newest import Seen
from vawsum_agent.backup.publish import sidecars
from vawsum_agent.backup.publish.catalog import Damage
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket

PREFIX, SERVER = "mysql/", "production-db"
OLD, NEW = BackupName(SERVER, "20260130T183000Z"), BackupName(SERVER, "20260131T183000Z")
JSON = "application/json"

pytestmark = pytest.mark.spoilt("manifests written by hand, without dumps")


class LaterClock(SystemClock):
    """Two hours on."""

    def now(self) -> float:
        """See `Clock.now`."""
        return super().now() + 7200.0


def publish(vault: BackupBucket, name: BackupName, **changes: object) -> None:
    """Write a manifest."""
    vault.put_new(name.key(PREFIX, MANIFEST), encode(manifest(name, **changes)), JSON)


def test_the_newest_of_these_data(vault: BackupBucket) -> None:
    """The newest with a manifest counts, of this server alone; what is learned of it later is told, too."""
    asked = InBucket(vault, PREFIX, SERVER, SystemClock())
    assert asked.look() == Seen()
    publish(vault, OLD)
    publish(vault, BackupName("another", "20260201T183000Z"))
    vault.put_new(BackupName(SERVER, "20260202T183000Z").key(PREFIX, "grants.sql.zst"), b"-", "application/zstd")
    first = asked.look().newest
    assert first is not None
    assert (first.backup_id, first.is_verified, first.restore_s) == (OLD.backup_id, False, None)
    publish(vault, NEW, flags=["half the size"])
    told = sidecars.Drilled(drilled_at="2026-02-01T04:00:00Z", by="i-1", restore_s=41.5, tables=1, rows=3)
    sidecars.write(vault, PREFIX, NEW, told)
    second = asked.look().newest
    assert second is not None
    assert (second.backup_id, second.flags, second.restore_s) == (NEW.backup_id, ("half the size",), 41.5)
    assert second.began_at == datetime(2026, 1, 31, 18, 30, tzinfo=UTC).timestamp()
    assert second.finished_at == second.began_at + 5.0
    assert second.size_bytes == 1010
    assert second.drill_problems == ()
    failed = sidecars.Drilled(drilled_at="", by="i-1", restore_s=1.0, tables=0, rows=0, problems=["school is missing"])
    sidecars.write(vault, PREFIX, NEW, failed)
    third = InBucket(vault, PREFIX, SERVER, SystemClock()).look().newest
    assert third is not None
    assert (third.restore_s, third.drill_problems) == (None, ("school is missing",))


def test_a_drill_that_found_something_proves_nothing(vault: BackupBucket) -> None:
    """How long it took is not published as a time in which one is back."""
    publish(vault, NEW)
    told = sidecars.Drilled(
        drilled_at="2026-02-01T04:00:00Z", by="i-1", restore_s=1.0, tables=1, rows=3, problems=["a table is missing"]
    )
    sidecars.write(vault, PREFIX, NEW, told)
    newest = InBucket(vault, PREFIX, SERVER, SystemClock()).look().newest
    assert newest is not None
    assert (newest.drilled_at, newest.restore_s) == (None, None)


def test_a_damaged_one_is_none(vault: BackupBucket) -> None:
    """The newest is the one before it, until a look finds it whole; where all are damaged there is none."""
    asked = InBucket(vault, PREFIX, SERVER, SystemClock())
    for name in (OLD, NEW):
        publish(vault, name)
    found = sidecars.Verified(verified_at="", by="i-1", sha256="", frames=0, raw_bytes=0, problems=["no frame"])
    sidecars.write(vault, PREFIX, NEW, found)
    seen = asked.look()
    assert seen.newest is not None
    assert (seen.newest.backup_id, seen.damaged) == (OLD.backup_id, (Damage(NEW, ("no frame",)),))
    sidecars.write(vault, PREFIX, OLD, found)
    assert asked.look() == Seen(None, (Damage(NEW, ("no frame",)), Damage(OLD, ("no frame",))))
    sidecars.write(vault, PREFIX, NEW, replace(found, problems=[]))
    seen = asked.look()
    assert seen.newest is not None
    assert (seen.newest.backup_id, seen.newest.is_verified, seen.damaged) == (NEW.backup_id, True, ())


def test_a_manifest_that_makes_no_sense_is_an_error(vault: BackupBucket) -> None:
    """What somebody else wrote there is told of, and ends no thread."""
    publish(vault, NEW, finished_at="yesterday")
    with pytest.raises(BackupError, match="yesterday"):
        InBucket(vault, PREFIX, SERVER, SystemClock()).look()


def test_orphans_go_when_nobody_is_at_work(vault: BackupBucket, sandbox: Sandbox) -> None:
    """What was begun over an hour ago is aborted, unless a lease says that somebody may be at it; younger ones stay."""
    vault.begin_upload(NEW.key(PREFIX, "dump.sql.zst"), "application/zstd")
    assert InBucket(vault, PREFIX, SERVER, SystemClock()).abort_orphans() == 0
    held = Lease(vault, f"{PREFIX}{SERVER}/{LEASE}", SystemClock()).acquire("i-2", 60.0)
    assert isinstance(held, Held)
    later = InBucket(vault, PREFIX, SERVER, LaterClock())
    assert later.abort_orphans() == 0
    held.release()
    assert later.abort_orphans() == 1
    assert sandbox.uploads(vault.bucket) == []


def test_uploads_of_a_killed_job_go_at_once(vault: BackupBucket, sandbox: Sandbox) -> None:
    """Those of that backup, and of no other."""
    for name in (OLD, NEW):
        vault.begin_upload(name.key(PREFIX, "dump.sql.zst"), "application/zstd")
    assert InBucket(vault, PREFIX, SERVER, SystemClock()).abort_uploads_of(NEW.backup_id) == 1
    assert [upload.key for upload in sandbox.uploads(vault.bucket)] == [OLD.key(PREFIX, "dump.sql.zst")]
