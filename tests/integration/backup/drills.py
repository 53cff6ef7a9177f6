"""A backup whose manifest lies in the sandbox, and a restorer that pipes SQL: what a drill needs, and no dump."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tests.unit.backup.manifests import manifest
from vawsum_agent.backup.drill.drill import Drill, Settings
from vawsum_agent.backup.manifest import Database, Frame, Manifest, encode
from vawsum_agent.backup.names import MANIFEST, BackupName
from vawsum_agent.backup.publish.catalog import Catalog
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.aws.backup_bucket import BackupBucket

PREFIX = "mysql/"
NAME = BackupName("production-db", "20260131T183000Z")

GRANTS = """
CREATE USER 'root'@'localhost' IDENTIFIED BY 'of production';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'localhost' WITH GRANT OPTION;
CREATE ROLE 'teachers';
"""
DATA = """
CREATE DATABASE school DEFAULT CHARACTER SET utf8mb4;
USE school;
CREATE TABLE pupils (id INT PRIMARY KEY, name VARCHAR(20));
INSERT INTO pupils VALUES (1, 'a'), (2, 'b'), (3, 'ü');
CREATE TABLE `odd``name` (id INT) DATA DIRECTORY = '/nowhere';
CREATE VIEW named AS SELECT name FROM pupils;
CREATE PROCEDURE nothing() SELECT 1;
CREATE TRIGGER first BEFORE INSERT ON pupils FOR EACH ROW SET NEW.id = NEW.id;
"""
EVENT = """
SET time_zone = 'Asia/Kolkata';
CREATE EVENT school.often ON SCHEDULE EVERY 1 SECOND DO DELETE FROM school.pupils;
"""
FRAMES = [
    Frame(kind="head", offset=0, size_bytes=100, raw_bytes=300),
    Frame(kind="table", offset=100, size_bytes=50, raw_bytes=120, database="school", name="pupils", rows=3),
    Frame(kind="table", offset=150, size_bytes=850, raw_bytes=4000, database="school", name="odd`name", rows=0),
]
WHOLE = manifest(
    NAME,
    account_count=2,
    databases=[Database(name="school", views=1, routines=1, triggers=1)],
    frames=FRAMES,
)


@dataclass
class Piped:
    """A restorer that pipes SQL into the server.

    Attributes:
        sql: all of it.
        meanwhile: called before, with the option file.
        remarks: what it says of the server.
        restored_with: the option files it was given.
    """

    sql: str = GRANTS + DATA
    meanwhile: Callable[[Path], None] = lambda _: None
    restored_with: list[Path] = field(default_factory=list)
    remarks: tuple[str, ...] = ()

    def restore(
        self,
        backup: BackupName,  # noqa: ARG002 - there is one
        manifest: Manifest,  # noqa: ARG002
        option_file: Path,
        jobs: int,  # noqa: ARG002
        show: Callable[[str, int, int | None], None],
        is_halted: Callable[[], bool],
    ) -> tuple[str, ...]:
        """See `Restorer.restore`."""
        self.restored_with.append(option_file)
        show("restoring", 0, len(self.sql))
        self.meanwhile(option_file)
        if is_halted():
            raise BackupError("it was ended")
        done = subprocess.run(
            ["mariadb", f"--defaults-file={option_file}"], input=self.sql.encode(), capture_output=True, check=False
        )
        if done.returncode:
            raise BackupError(done.stderr.decode().strip())
        return self.remarks


WITH_EVENT = [replace(WHOLE.databases[0], events=1, lasting_events=1)]
"""The databases where the event is dumped as well."""


def publish(vault: BackupBucket, **changes: Any) -> Manifest:  # noqa: ANN401 - the fields' own types
    """Put the manifest of the whole backup into the bucket, some fields changed."""
    told = replace(WHOLE, **changes)
    vault.put_new(NAME.key(PREFIX, MANIFEST), encode(told), "application/json")
    return told


def drill_of(vault: BackupBucket, restorer: Piped, directory: Path, *, is_kept: bool = False) -> Drill:
    """A drill of two jobs whose scratch servers live below a directory."""
    settings = Settings(directory, directory.parent, 2, "i-0drill", is_kept=is_kept)
    return Drill(vault, PREFIX, Catalog(vault, PREFIX), restorer, settings, SystemClock())
