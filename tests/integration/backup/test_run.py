"""`backup run`: what it publishes is what the server held, and every backup that it ever publishes restores."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from tests.integration.backup.hosts import PREFIX, SERVER, DatabaseHost
from tests.integration.backup.restores import OPTIONS, SCHOOL, accounts_of, text_of
from vawsum_agent.backup.names import DUMP, MANIFEST, BackupName
from vawsum_agent.backup.publish.catalog import EXPIRE_TAG

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

DATABASES = ("school", "old-data", "annex")
ANNEX = """
CREATE DATABASE annex; USE annex;
CREATE TABLE rooms (id INT PRIMARY KEY, name VARCHAR(20)); INSERT INTO rooms VALUES (1, 'a'), (2, 'ü');
CREATE VIEW names AS SELECT name FROM rooms;
GRANT SELECT ON annex.rooms TO viewer@'%';
"""
"""Refers to no other database: it can be restored without them."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A server with a school."""
    with MariaDb(tmp_path_factory.mktemp("source"), options=OPTIONS) as server:
        server.execute(SCHOOL + ANNEX)
        yield server


@pytest.fixture
def origin(source: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return source


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[MariaDb]:
    """An empty server."""
    with MariaDb(tmp_path / "copy", options=OPTIONS) as server:
        yield server


@pytest.fixture
def host(tmp_path: Path, sandbox: Sandbox, source: MariaDb) -> DatabaseHost:
    """The host of the school."""
    return DatabaseHost(tmp_path / "host", sandbox, source.option_file)


def test_the_copy_is_the_source(host: DatabaseHost, source: MariaDb, copy: MariaDb) -> None:
    """Schema, data, routines, triggers, events, accounts; and what it told is what lies in the bucket."""
    told = host.backed_up()
    assert told["backup_id"] == host.ids()[0]
    assert host.journal.outcomes()[-1].is_verified
    assert (told["is_verified"], told["is_skipped"], told["flags"]) == (True, False, [])
    (listed,) = host.run("backup", "list", "--json").document["backups"]
    assert (listed["backup_id"], listed["is_verified"]) == (told["backup_id"], True)
    assert listed["expires_at"] is None
    manifest = host.catalog().manifest(BackupName(SERVER, told["backup_id"]))
    assert manifest.binlog is not None
    assert [frame.name for frame in manifest.tables() if not frame.is_in_snapshot] == ["old_engine"]
    for frame in manifest.tables():
        name = f"`{frame.database}`.`{frame.name.replace('`', '``')}`"
        assert frame.rows == int(source.execute(f"SELECT COUNT(*) FROM {name}"))  # noqa: S608 - of our own
    restored = host.run("backup", "restore", "--into", str(copy.option_file))
    assert restored.code == 0, restored.error
    assert text_of(copy, *DATABASES) == text_of(source, *DATABASES)
    assert accounts_of(copy) == accounts_of(source)
    assert host.sandbox.violations() == []


def test_any_tool_restores_it(host: DatabaseHost, source: MariaDb, copy: MariaDb, tmp_path: Path) -> None:
    """`zstd -dc dump.sql.zst | mariadb`, then the same of the grants, is enough, without the agent."""
    name = BackupName(SERVER, host.backed_up()["backup_id"])
    manifest = host.catalog().manifest(name)
    for stored in (manifest.dump, manifest.grants):
        packed = tmp_path / stored.name
        packed.write_bytes(b"".join(host.bucket().read_range(name.key(PREFIX, stored.name), 0, stored.size_bytes)))
        sql = subprocess.run(["zstd", "-dc", packed], check=True, capture_output=True).stdout
        assert len(sql) == stored.raw_bytes
        subprocess.run(["mariadb", f"--defaults-file={copy.option_file}"], input=sql, check=True)
    assert text_of(copy, *DATABASES) == text_of(source, *DATABASES)
    assert accounts_of(copy) == accounts_of(source)


def test_one_database(host: DatabaseHost) -> None:
    """What the configuration names is dumped, and nothing else; a name that is none is said."""
    host.configure('databases = ["annex"]')
    name = BackupName(SERVER, host.backed_up()["backup_id"])
    assert {frame.database for frame in host.catalog().manifest(name).tables()} == {"annex"}
    host.configure('databases = ["annexe"]')
    ended = host.run("backup", "run")
    assert ended.code == 1
    assert "annexe" in ended.error
    assert ended.error.count("\n") == 1


@pytest.mark.spoilt("one is written over")
def test_what_was_written_over_is_verified_no_more(host: DatabaseHost) -> None:
    """A dump that somebody replaced is damaged; a way to S3 that is closed says nothing of it."""
    backup_id = host.backed_up()["backup_id"]
    bucket, key = host.bucket(), BackupName(SERVER, backup_id).key(PREFIX, DUMP)
    host.sandbox.deny("s3:GetObject")
    assert host.run("backup", "verify").code == 1
    host.sandbox.deny()
    (listed,) = host.run("backup", "list", "--json").document["backups"]
    assert (listed["is_verified"], listed["damage"]) == (True, [])
    head = bucket.head(key)
    assert head is not None
    bucket.put_over(key, b"give me money", "application/zstd", head.etag)
    assert host.run("backup", "verify").code == 1
    (listed,) = host.run("backup", "list", "--json").document["backups"]
    assert listed["is_verified"] is False
    assert key in listed["damage"][0]
    assert "DAMAGED" in host.run("backup", "list").out


@pytest.mark.spoilt("one is written over", whole=2)
def test_a_damaged_one_counts_for_nothing(host: DatabaseHost) -> None:
    """The latest is the one before it, which nothing may remove any more; and tonight's is made anew."""
    host.configure('keep_at_least = 1\ndatabases = ["annex"]')
    slot = str(time.time() - 5)
    first, tonights = (host.backed_up("--slot", at)["backup_id"] for at in ("1.0", slot))
    skipped = host.backed_up("--slot", slot)
    assert (skipped["is_skipped"], skipped["backup_id"]) == (True, tonights)
    assert host.catalog().is_expiring(BackupName(SERVER, first))
    bucket, key = host.bucket(), BackupName(SERVER, tonights).key(PREFIX, DUMP)
    head = bucket.head(key)
    assert head is not None
    bucket.put_over(key, b"give me money", "application/zstd", head.etag)
    assert host.run("backup", "verify").code == 1
    assert not host.catalog().is_expiring(BackupName(SERVER, first))
    printed = host.run("backup", "restore", "--stdout")
    assert (printed.code, "CREATE TABLE `rooms`" in printed.out) == (0, True), printed.error
    assert printed.error.startswith(f"passed over: backup {tonights} is damaged")
    assert host.run("backup", "restore", "--stdout", "--backup", tonights).code == 1
    again = host.backed_up("--slot", slot)
    assert not again["is_skipped"]
    assert host.backed_up("--slot", slot)["backup_id"] == again["backup_id"]


@pytest.mark.spoilt("one manifest is none", whole=1)
def test_a_manifest_that_is_none_hides_no_backup(host: DatabaseHost) -> None:
    """The list tells of it, and shows all others."""
    backup_id = host.backed_up()["backup_id"]
    damaged = BackupName(SERVER, "20200101T000000Z")
    host.bucket().put_new(damaged.key(PREFIX, MANIFEST), b"{}", "application/json")
    told = host.run("backup", "list", "--json").document
    assert [row["backup_id"] for row in told["backups"]] == [backup_id]
    assert [row["backup_id"] for row in told["unreadable"]] == [damaged.backup_id]
    shown = host.run("backup", "list")
    assert shown.code == 0, shown.error
    assert f"! {damaged.backup_id}" in shown.out
    assert backup_id in shown.out


def test_old_ones_are_marked(host: DatabaseHost) -> None:
    """Only after newer ones were verified: not by runs that were not read back, and never by runs that failed."""
    host.configure('keep_at_least = 2\ndatabases = ["annex"]')
    ids = [host.backed_up()["backup_id"]] + [host.backed_up("--no-verify")["backup_id"] for _ in range(3)]

    def marked() -> list[str]:
        catalog = host.catalog()
        return [backup_id for backup_id in host.ids() if catalog.is_expiring(BackupName(SERVER, backup_id))]

    host.configure('keep_at_least = 2\ndatabases = ["none"]')
    assert host.run("backup", "run").code == 1
    assert marked() == []
    host.configure('keep_at_least = 2\ndatabases = ["annex"]')
    ids += [host.backed_up()["backup_id"] for _ in range(2)]
    assert marked() == ids[:4]
    labels = host.bucket().tags(BackupName(SERVER, ids[0]).key(PREFIX, DUMP))
    assert labels == {EXPIRE_TAG: "true"}
    rows = host.run("backup", "list", "--json").document["backups"]
    assert [row["backup_id"] for row in rows if row["expires_at"] is not None] == ids[:4]
    assert host.run("backup", "verify", ids[2]).code == 0
    assert host.run("backup", "verify", "20200101T000000Z").code == 1
    host.configure('keep_at_least = 5\ndatabases = ["annex"]')
    host.backed_up()
    assert marked() == [], "more are kept now"
    assert host.bucket().tags(BackupName(SERVER, ids[0]).key(PREFIX, DUMP)) == {EXPIRE_TAG: "false"}
