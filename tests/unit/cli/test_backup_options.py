"""Which backup a command means."""

from __future__ import annotations

import pytest

from tests.unit.backup.publish.buckets import PREFIX, MemoryBucket
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish.catalog import Catalog
from vawsum_agent.cli.backup_options import chosen
from vawsum_agent.core.errors import BackupError

OLD, NEW = BackupName("db", "20260101T000000Z"), BackupName("db", "20260102T000000Z")


def test_the_latest_is_none_that_is_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    """It is passed over, which is told beside the output; by its ID it is to be had all the same."""
    bucket = MemoryBucket()
    for name in (OLD, NEW):
        bucket.publish(name)
    catalog = Catalog(bucket, PREFIX)
    assert chosen(catalog, "latest", "db") == NEW
    assert capsys.readouterr() == ("", "")
    bucket.damage(NEW)
    assert chosen(catalog, "latest", "db") == OLD
    assert capsys.readouterr() == ("", f"passed over: backup {NEW.backup_id} is damaged: no frame\n")
    assert chosen(catalog, NEW.backup_id, "db") == NEW
    bucket.damage(OLD)
    with pytest.raises(BackupError, match="every backup of db is damaged"):
        chosen(catalog, "latest", "db")
