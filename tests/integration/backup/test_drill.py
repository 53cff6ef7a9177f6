"""Drills on a real MariaDB: a whole backup is proven, a short one is found out, and nothing of either is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from sandbox.servers.process import wait_until
from tests.integration.backup.drills import (
    DATA,
    EVENT,
    FRAMES,
    GRANTS,
    NAME,
    PREFIX,
    WITH_EVENT,
    Piped,
    drill_of,
    publish,
)
from vawsum_agent.backup.drill import place as places
from vawsum_agent.backup.drill.drill import DrillFailed
from vawsum_agent.backup.drill.record import run_recorded
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.names import DRILLED
from vawsum_agent.backup.publish import sidecars
from vawsum_agent.backup.publish.sidecars import Drilled
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError, BackupError, BusyError, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket

pytestmark = pytest.mark.spoilt("manifests written by hand, without dumps")


def drilled(vault: BackupBucket) -> Drilled | None:
    """What lies beside the manifest."""
    return sidecars.read(vault, PREFIX, NAME, Drilled)


def test_whole_backup(vault: BackupBucket, tmp_path: Path) -> None:
    """Tables, rows, views, routines, triggers, events and accounts are all there: written beside the manifest.

    The grants bring a root of their own, a table names a folder of production's, an event would empty a table within
    seconds and names a time zone: none of it matters, and nothing of the scratch server is left.
    """
    publish(vault, databases=WITH_EVENT)
    restorer = Piped(GRANTS + DATA + EVENT)
    phases: list[str] = []
    result = drill_of(vault, restorer, tmp_path / "drill").run(NAME, lambda phase, *_: phases.append(phase))
    found = result.findings
    assert found.problems == ()
    assert (found.tables, found.rows, found.accounts) == (2, 3, 2)
    assert found.databases == WITH_EVENT
    assert 0 < found.restore_s <= result.total_s
    told = drilled(vault)
    assert told is not None
    assert (told.by, told.tables, told.rows, told.problems) == ("i-0drill", 2, 3, [])
    assert told.restore_s == round(found.restore_s, 3)
    assert list(dict.fromkeys(phases)) == [
        "making room",
        "starting a scratch server",
        "restoring",
        "counting rows",
        "checking tables",
    ]
    assert list((tmp_path / "drill").iterdir()) == []


def test_what_production_has(vault: BackupBucket, tmp_path: Path) -> None:
    """Accounts of a plugin, tables that are encrypted, rows that only a lenient server takes: all restore.

    What the scratch server can't show is remarked, and changes nothing: an engine that it lacks, and what the restore
    tells of it.
    """
    columns = ", ".join(f"c{number} TEXT" for number in range(12))
    sql = f"""
    CREATE USER 'app'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret');
    CREATE TABLE hidden (id INT) ENCRYPTED = YES ENCRYPTION_KEY_ID = 7;
    CREATE TABLE wide ({columns}) ROW_FORMAT = COMPACT;
    """
    frames = [
        *FRAMES[:2],
        msgspec.structs.replace(FRAMES[2], size_bytes=810, engine="ARCHIVE"),
        msgspec.structs.replace(FRAMES[2], offset=960, size_bytes=20, name="hidden"),
        msgspec.structs.replace(FRAMES[2], offset=980, size_bytes=20, name="wide"),
    ]
    publish(vault, frames=frames, account_count=3)
    result = drill_of(vault, Piped(GRANTS + DATA + sql, remarks=("as told",)), tmp_path / "drill").run(NAME)
    assert result.findings.problems == ()
    engine = "table school.odd`name was ARCHIVE, and is InnoDB: the server has no such engine"
    assert result.findings.remarks == ("as told", engine)


def test_later_drill(vault: BackupBucket, tmp_path: Path) -> None:
    """Takes the place of what an earlier one found: a backup that failed once may be proven later."""
    publish(vault)
    with pytest.raises(DrillFailed):
        drill_of(vault, Piped(GRANTS), tmp_path / "drill").run(NAME)
    first = drilled(vault)
    assert first is not None
    assert first.problems
    drill_of(vault, Piped(), tmp_path / "drill").run(NAME)
    second = drilled(vault)
    assert second is not None
    assert second.problems == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (GRANTS + DATA + "TRUNCATE pupils;", "table school.pupils has 0 rows, and 3 were dumped"),
        (GRANTS + DATA + "DROP TABLE `odd``name`;", "table school.odd`name is missing"),
        (GRANTS + DATA + "DROP TRIGGER first;", "database school has 0 triggers, and 1 were dumped"),
        (DATA, "0 users and roles are there, and 2 were dumped"),
        (GRANTS + DATA + "ALTER TABLE pupils DROP COLUMN name;", "school.named"),
        (GRANTS + "nonsense;", "ERROR 1064"),
    ],
)
def test_what_does_not_restore(vault: BackupBucket, tmp_path: Path, sql: str, said: str) -> None:
    """Is named in the error, in the sidecar and in the journal; the scratch server goes all the same."""
    publish(vault)
    journal = Journal(tmp_path)
    with pytest.raises(DrillFailed) as raised:
        recorded(drill_args := (vault, Piped(sql), tmp_path / "drill"), journal)
    assert said in raised.value.message
    assert "--keep" in raised.value.hint
    told = drilled(vault)
    assert told is not None
    assert any(said in problem for problem in told.problems)
    (outcome,) = journal.outcomes()
    assert (outcome.kind, outcome.is_ok, outcome.backup_id, outcome.slot) == ("drill", False, NAME.backup_id, 7.0)
    assert said in outcome.error
    assert journal.running() is None
    assert list(drill_args[2].iterdir()) == []


def recorded(arguments: tuple[BackupBucket, Piped, Path], journal: Journal) -> None:
    """Hold a drill as the command does."""
    run_recorded(
        drill_of(*arguments),
        lambda: NAME,
        journal,
        SystemClock(),
        server=NAME.server,
        slot=7.0,
        show=lambda *_: None,
        is_halted=lambda: False,
    )


def test_journal(vault: BackupBucket, tmp_path: Path) -> None:
    """While it runs the phase is told and no other job may; then how long the restore took."""
    publish(vault)
    journal, seen = Journal(tmp_path), []

    def meanwhile(_: Path) -> None:
        seen.append(journal.running())
        with pytest.raises(BusyError), journal.locked():
            pass

    recorded((vault, Piped(meanwhile=meanwhile), tmp_path / "drill"), journal)
    (running,) = seen
    assert running is not None
    assert (running.kind, running.phase, running.backup_id) == ("drill", "restoring", NAME.backup_id)
    (outcome,) = journal.outcomes()
    assert outcome.is_ok
    assert outcome.restore_s is not None
    assert (outcome.raw_bytes, outcome.slot) == (4420, 7.0)


def test_scratch_server_that_is_killed(vault: BackupBucket, tmp_path: Path) -> None:
    """Where memory got short the drill failed, and the backup is none the worse: nothing is written beside it."""
    publish(vault)

    def kill(option_file: Path) -> None:
        for pid in places.servers_of(option_file.parent):
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(BackupError, match="the scratch server is gone amid the drill") as raised:
        drill_of(vault, Piped(meanwhile=kill), tmp_path / "drill").run(NAME)
    assert not isinstance(raised.value, DrillFailed)
    assert drilled(vault) is None
    assert list((tmp_path / "drill").iterdir()) == []


def test_drill_that_is_ended(vault: BackupBucket, tmp_path: Path) -> None:
    """By Ctrl-C or by the daemon's stop: nothing is said of the backup, and nothing is left."""
    publish(vault)
    is_over: list[bool] = []
    restorer = Piped(meanwhile=lambda _: is_over.append(True))
    with pytest.raises(BackupError, match="it was ended"):
        drill_of(vault, restorer, tmp_path / "drill").run(NAME, is_halted=lambda: bool(is_over))
    assert drilled(vault) is None
    assert list((tmp_path / "drill").iterdir()) == []


def test_disk_that_would_not_do(vault: BackupBucket, tmp_path: Path) -> None:
    """Refused before anything is made, with how much it takes."""
    dump = msgspec.structs.replace(publish(vault).dump, raw_bytes=1 << 50)
    key = f"{NAME.folder(PREFIX)}manifest.json"
    before = vault.read(key, 1 << 20)
    assert before is not None
    told = msgspec.json.decode(before.body) | {"dump": msgspec.to_builtins(dump)}
    vault.put_over(key, msgspec.json.encode(told), "application/json", before.etag)
    with pytest.raises(BackupError, match=r"needs 2621441\.0 GiB of disk below"):
        drill_of(vault, Piped(), tmp_path / "drill").run(NAME)
    assert not (tmp_path / "drill").exists()
    assert vault.head(NAME.key(PREFIX, DRILLED)) is None


def test_server_that_is_kept(vault: BackupBucket, tmp_path: Path) -> None:
    """The printed command reaches it, the next drill ends it."""
    publish(vault)
    result = drill_of(vault, Piped(), tmp_path / "drill", is_kept=True).run(NAME)
    command = [*result.command.split(), "-N", "-e", "SELECT COUNT(*) FROM school.pupils"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"3\n"
    (folder,) = (tmp_path / "drill").iterdir()
    (pid,) = places.servers_of(folder)
    drill_of(vault, Piped(), tmp_path / "drill").run(NAME)
    assert wait_until(lambda: places.started(pid) is None, 30)
    assert list((tmp_path / "drill").iterdir()) == []


def test_bad_minute_of_s3(vault: BackupBucket, sandbox: Sandbox, tmp_path: Path) -> None:
    """What was found after an hour is written down all the same."""
    publish(vault)
    sandbox.fault("failure", operation="s3:GetObject", count=1)
    sandbox.fault("failure", operation="s3:PutObject", count=2)
    drill_of(vault, Piped(), tmp_path / "drill").run(NAME)
    told = drilled(vault)
    assert told is not None
    assert told.problems == []


def test_s3_away_for_longer_than_anybody_waits(vault: BackupBucket, tmp_path: Path) -> None:
    """It says nothing of the backup: that it restored the last time is still what is known."""
    publish(vault)
    drill_of(vault, Piped(), tmp_path / "drill").run(NAME)
    before = drilled(vault)

    def away(_: Path) -> None:
        raise Unavailable("no byte came for 1800 s")

    with pytest.raises(Unavailable):
        drill_of(vault, Piped(meanwhile=away), tmp_path / "drill").run(NAME)
    assert drilled(vault) == before


def test_unknown_backup(vault: BackupBucket, tmp_path: Path) -> None:
    """Is told as such."""
    with pytest.raises(AgentError, match="there is no backup 20260131T183000Z"):
        drill_of(vault, Piped(), tmp_path / "drill").run(NAME)


def test_no_event_runs(vault: BackupBucket, tmp_path: Path) -> None:
    """An event that is due each second leaves the rows alone for as long as the server lives."""
    publish(vault, databases=WITH_EVENT)
    result = drill_of(vault, Piped(GRANTS + DATA + EVENT), tmp_path / "drill", is_kept=True).run(NAME)
    try:
        time.sleep(2.5)
        command = [*result.command.split(), "-N", "-e", "SELECT COUNT(*), @@event_scheduler FROM school.pupils"]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b"3\tOFF\n"
    finally:
        places.sweep(tmp_path / "drill")
