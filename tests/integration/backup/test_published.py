"""The check that all tests end with: whatever a restored copy lacks is found, and so is a mark that is wrong."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from tests.counts import IS_SOAK
from tests.integration.backup.copies import Copy
from tests.integration.backup.hosts import PREFIX, DatabaseHost
from tests.integration.backup.published import Published
from tests.integration.backup.vaults import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket
    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.restore.run import Restored

DATA = """
CREATE DATABASE school; USE school;
CREATE TABLE pupils (id INT PRIMARY KEY, name VARCHAR(20), KEY (name)); INSERT INTO pupils VALUES (1, 'a'), (2, 'b');
CREATE VIEW names AS SELECT name FROM pupils;
CREATE PROCEDURE one() SELECT 1;
CREATE TRIGGER lower_name BEFORE INSERT ON pupils FOR EACH ROW SET NEW.name = LOWER(NEW.name);
CREATE EVENT daily ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DO DELETE FROM school.pupils;
CREATE ROLE reader; GRANT SELECT ON school.pupils TO reader;
CREATE USER teacher@'%' IDENTIFIED BY 'chalk'; GRANT reader TO teacher@'%'; SET DEFAULT ROLE reader FOR teacher@'%';
GRANT EXECUTE ON PROCEDURE school.one TO teacher@'%';
"""
LOSSES = {
    "UPDATE pupils SET name = 'c' WHERE id = 2": "'b'",
    "ALTER TABLE pupils DROP KEY name": "PRIMARY KEY",
    "DROP PROCEDURE one": "one",
    "DROP TRIGGER lower_name": "lower_name",
    "DROP EVENT daily": "daily",
    "CREATE OR REPLACE VIEW names AS SELECT 'a' AS name": "names",
    "REVOKE SELECT ON pupils FROM reader": "reader",
    "SET DEFAULT ROLE NONE FOR teacher@'%'": "teacher",
    "SET PASSWORD FOR teacher@'%' = PASSWORD('x')": "teacher",
    "REVOKE EXECUTE ON PROCEDURE one FROM teacher@'%'": "teacher",
}
"""What is done to a copy, and a word of what is found."""


class Losing(Copy):
    """A server that something is taken from as soon as a backup was restored.

    Args:
        inner: the real one.
        loss: a statement.
    """

    def __init__(self, inner: Copy, loss: str) -> None:
        super().__init__()
        self._inner = inner
        self._loss = loss

    @property
    def folder(self) -> Path:
        """See `Copy.folder`."""
        return self._inner.folder

    def restore(self, bucket: BackupBucket, prefix: str, name: BackupName, manifest: Manifest) -> Restored:
        """See `Copy.restore`."""
        restored = self._inner.restore(bucket, prefix, name, manifest)
        command = ["mariadb", f"--defaults-file={self.option_file}", "school", "-e", self._loss]
        subprocess.run(command, check=True)
        return restored


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A server with one of everything."""
    with MariaDb(tmp_path_factory.mktemp("source"), options=["slow_query_log = OFF"]) as server:
        server.execute(DATA)
        yield server


@pytest.fixture
def origin(source: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return source


def test_whatever_is_lost_is_found(sandbox: Sandbox, source: MariaDb, copy_server: Copy, tmp_path: Path) -> None:
    """A row, an index, a routine, a trigger, an event, a view, a right, a role, a password: each fails the test.

    So does a backup that left out what its source holds, and a mark without a backup that is spoilt.
    """
    host = DatabaseHost(tmp_path / "host", sandbox, source.option_file)
    host.backed_up("--no-verify")
    keys = {stored.key for stored in sandbox.objects(BUCKET)}
    for loss, word in list(LOSSES.items())[:: 1 if IS_SOAK else 4]:
        published = Published(host.bucket(), PREFIX, Losing(copy_server, loss), source.option_file)
        with pytest.raises(AssertionError, match=word):
            published.expect_restorable(keys)
    source.execute("CREATE FUNCTION two() RETURNS INT RETURN 2", database="school")
    with pytest.raises(AssertionError, match="two"):
        Published(host.bucket(), PREFIX, copy_server, source.option_file).expect_restorable(keys)
    source.execute("DROP FUNCTION two", database="school")
    wrong = Published(host.bucket(), PREFIX, copy_server, source.option_file, whole=0)
    with pytest.raises(AssertionError, match="1 are whole, and 0 should be"):
        wrong.expect_restorable(keys)
