"""Backups on a booted host: under the hardened unit, with an account that may read and no more, by schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.client import Sandbox
from sandbox.host.school import DATABASE, SMALL_TABLE
from tests.e2e.agent_on_host import UNIT
from tests.e2e.backup_on_host import ADMIN_FILE, BUCKET, CONFIG, STATE, BackupOnHost
from tests.e2e.conftest import IAM
from tests.integration.backup.copies import Copy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.host.booted import BootedHost

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host

ARCHIVE = (
    "USE school; CREATE TABLE archive (id INT PRIMARY KEY, noise BLOB); "
    "INSERT INTO archive SELECT seq, RANDOM_BYTES(1000) FROM seq_1_to_24000"
)
"""Several parts of an upload, however well it is compressed."""


@pytest.fixture(scope="module")
def backups(booted_host: BootedHost) -> Iterator[BackupOnHost]:
    """A database host whose agent starts for the first time since midnight; the tests go on from one another."""
    with Sandbox.start(policy=IAM / "backup.json") as sandbox:
        booted_host.run(f"systemctl stop {UNIT}; rm -rf {STATE}/* /etc/vawsum-agent/conf.d/*", check=False)
        agent = BackupOnHost(booted_host, sandbox)
        agent.make_database()
        agent.configure(CONFIG, directives=("RestartSec=100ms",))
        agent.was_off_at_midnight()
        agent.start()
        yield agent
        bugs = booted_host.run(f"journalctl --no-pager --quiet -u {UNIT} | grep bug_contained || true").stdout
        booted_host.run(f"systemctl kill --signal=KILL {UNIT}; systemctl stop {UNIT} mariadb", check=False)
        booted_host.run("journalctl --quiet --rotate --vacuum-time=1s", check=False)
    assert bugs == ""


@pytest.fixture(scope="module")
def copy() -> Iterator[Copy]:
    """A server for what is published."""
    with Copy() as copy:
        yield copy


def test_missed_backup_is_made(backups: BackupOnHost) -> None:
    """A host that was off at midnight backs up when it is back, confined as it is, with least grants and no secret."""
    backups.host.wait_for("a manifest", lambda: backups.objects("manifest.json") != [], timeout_s=60)
    (backup_id,) = backups.objects("manifest.json")
    told = backups.manifest(backup_id)
    tables = {frame["name"]: frame["rows"] for frame in told["frames"] if frame["kind"] == "table"}
    assert tables == {name: backups.count(name) for name in tables}
    assert len(tables) == 10
    assert told["binlog"] is not None
    assert told["flags"] == []
    backups.host.wait_for("every byte to be read back", lambda: backups.objects("verified.json") == [backup_id])
    assert backups.sandbox.violations() == []


def test_drill_proves_it(backups: BackupOnHost) -> None:
    """The drill that was missed is held under the unit's confinement; it leaves a measured restore and nothing else."""
    before = backups.dump()
    backups.host.wait_for("the drill", lambda: backups.objects("drilled.json") != [], timeout_s=90)
    backups.host.wait_for("it in status", lambda: backups.backup_status()["details"]["rto_s"] is not None)
    shown = backups.backup_status()
    assert shown["state"] == "running"
    assert shown["details"]["rpo_s"] > 0
    assert backups.host.run(f"find {STATE}/drill -mindepth 1").stdout == ""
    assert backups.host.run("pgrep -c mariadbd").stdout == "1\n"
    assert backups.dump() == before


def test_drill_by_hand(backups: BackupOnHost) -> None:
    """Root holds a drill on the command line; it is done as the daemon's user, and proves the same backup."""
    said = backups.command("backup drill", timeout_s=120)
    assert backups.objects("manifest.json")[0] in said
    assert backups.host.run(f"find {STATE} ! -user vawsum-agent").stdout == ""


def test_one_table_by_root(backups: BackupOnHost) -> None:
    """Root restores a lost table, alone and as it was, with an option file that only root can read."""
    before = backups.dump()
    backups.sql(f"DROP TABLE {DATABASE}.{SMALL_TABLE}")
    backups.command(f"backup restore --table {DATABASE}.{SMALL_TABLE} --into {ADMIN_FILE} --force")
    assert backups.dump() == before


def test_copies_are_the_source(backups: BackupOnHost, copy: Copy) -> None:
    """What the least grants let it read is all there is: schema, data, routines, triggers, events and accounts."""
    backups.expect_restorable(copy)


def test_killed_amid_a_backup(backups: BackupOnHost, copy: Copy) -> None:
    """When the agent is killed amid a backup, no manifest is left, and the next start throws away and begins anew."""
    backups.sql(ARCHIVE)
    before = set(backups.objects("manifest.json"))
    backups.stop()
    # As if the backup of last midnight had been missed again.
    backups.host.run(f"rm {STATE}/backup/history.json")
    backups.sandbox.reset()
    backups.sandbox.create_bucket(BUCKET)
    backups.was_off_at_midnight()
    backups.sandbox.fault("latency", operation="s3:UploadPart", latency_s=5, for_s=60)
    backups.start()
    backups.host.wait_for("an upload under way", lambda: backups.sandbox.uploads(BUCKET) != [], timeout_s=60)
    killed = {upload.upload_id for upload in backups.sandbox.uploads(BUCKET)}
    backups.host.run(f"systemctl kill --signal=KILL {UNIT}")
    assert backups.objects("manifest.json") == []
    backups.sandbox.calm()
    backups.host.wait_for("the next run", lambda: backups.objects("manifest.json") != [], timeout_s=90)
    assert before.isdisjoint(backups.objects("manifest.json"))
    assert killed.isdisjoint(upload.upload_id for upload in backups.sandbox.uploads(BUCKET))
    backups.expect_restorable(copy)


def test_unit_stays_confined(backups: BackupOnHost) -> None:
    """What backups need leaves the unit at 1.8 or lower by systemd's rating."""
    backups.host.run(f"systemd-analyze security --no-pager --threshold=18 {UNIT}")
