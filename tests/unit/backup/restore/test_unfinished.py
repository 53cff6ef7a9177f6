"""Which restore is gone on with, where no backup is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.backup.manifests import manifest
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.restore.plan import Selection
from vawsum_agent.backup.restore.progress import Progress, Record
from vawsum_agent.backup.restore.unfinished import unfinished
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.backup.manifest import Manifest

SERVER = "production-db"
OLD, MIDDLE = BackupName(SERVER, "20260130T183000Z"), BackupName(SERVER, "20260131T183000Z")
SCHOOL = Selection("school")


def begin(folder: Path, name: BackupName, started_at: float, target: str = "db-1", etag: str = '"e"') -> None:
    """Leave the note of a restore of one database."""
    Progress(folder, name, SCHOOL, target).begin(
        Record(
            server=name.server,
            backup_id=name.backup_id,
            etag=etag,
            selection=str(SCHOOL),
            target=target,
            started_at=started_at,
        )
    )


def found(folder: Path, database: str = "school", target: str = "db-1", *gone: BackupName) -> BackupName | None:
    """What is gone on with."""

    def read(name: BackupName) -> Manifest:
        if name in gone:
            raise BackupError("there is no such backup", hint="")
        return manifest(name)

    return unfinished(folder, SERVER, database, "", lambda: target, read)


def test_the_one_that_was_begun_last(tmp_path: Path) -> None:
    """Not the one of the newest backup; one whose backup is gone is passed over."""
    begin(tmp_path, MIDDLE, started_at=1.0)
    begin(tmp_path, OLD, started_at=2.0)
    assert found(tmp_path) == OLD
    assert found(tmp_path, "school", "db-1", OLD) == MIDDLE


def test_none(tmp_path: Path) -> None:
    """One of another selection, target or dump, or of other data, is not meant; nor is one that can't be read."""
    assert found(tmp_path) is None
    begin(tmp_path, OLD, started_at=1.0, etag='"another"')
    begin(tmp_path, MIDDLE, started_at=2.0)
    begin(tmp_path, BackupName("other-db", OLD.backup_id), started_at=3.0)
    (tmp_path / "restore-20260131T183000Z-0.json").write_bytes(b"\xff")
    assert found(tmp_path, "") is None
    assert found(tmp_path, target="db-2") is None
    assert found(tmp_path, "school", "db-1", MIDDLE) is None
    assert found(tmp_path) == MIDDLE


def test_the_target_is_asked_only_where_one_was_begun(tmp_path: Path) -> None:
    """A server that is down is told of by the restore itself."""

    def never() -> str:
        raise AssertionError

    assert unfinished(tmp_path / "none", SERVER, "school", "", never, manifest) is None
