"""The backup capability as a component: when jobs are started, how they are followed, what is told of them."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from tests.unit.backup.jobs import (
    BACKUP_ID,
    DIES_EARLY,
    FAILS,
    HANGS,
    IS_BUSY,
    IS_SKIPPED,
    KILLS_ITSELF,
    NEVER_NOW,
    SUCCEEDS,
    WAITS,
    Host,
    backup,
    wait_until,
)
from vawsum_agent.backup.journal import Journal, Outcome, Running
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish.catalog import Damage
from vawsum_agent.backup.schedule import last_slot
from vawsum_agent.backup.since import Noted, Schedules
from vawsum_agent.core.clock import Deadline
from vawsum_agent.core.component import State
from vawsum_agent.core.errors import AccessDenied, DrainTimeout, Unavailable
from vawsum_agent.daemon.operation import CuttableDeadline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR_S, DAY_S = 3600.0, 86_400.0


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host whose data have an old backup, so that the latest slot is due at once."""
    made = Host(tmp_path)
    made.bucket.there = backup(time.time() - HOUR_S)
    yield made
    made.component.stop()


def test_a_rebuilt_host_backs_up_at_once(host: Host) -> None:
    """Where the newest backup in S3 is older than the last slot, the job is started; what it made is told."""
    host.component.start()
    wait_until(host.journal.outcomes, "a job has run")
    assert host.script.started[0][0] == "backup"
    slot = host.script.started[0][1]
    assert slot % 60 == 0
    assert slot <= time.time()
    wait_until(lambda: host.detail("last_backup"), "it is told")
    assert host.component.status().state is State.RUNNING


def test_a_new_host_waits_for_its_first_slot(tmp_path: Path) -> None:
    """Without a past here and without a backup in S3 nothing is caught up with, also not after a restart."""
    host = Host(tmp_path, schedule="0 0 * * *")
    host.component.start()
    wait_until(lambda: host.bucket.asked, "S3 was asked")
    wait_until((host.journal.folder / "schedules.json").exists, "the beginning is noted")
    host.component.stop()
    assert host.script.started == []
    host.clock.ahead_s = DAY_S
    host.build().start()
    wait_until(lambda: len(host.script.started) == 1, "the slot that passed while it was off is caught up with")
    host.component.stop()


def test_nobody_knows_nobody_runs(tmp_path: Path) -> None:
    """A host without a past waits until S3 has said whether its data have one; what is unknown is not published."""
    host = Host(tmp_path)
    host.bucket.error = Unavailable("no answer from S3", hint="wait")
    host.component.start()
    wait_until(lambda: host.bucket.refused, "S3 was asked")
    status = host.component.status()
    assert host.script.started == []
    assert status.measures == {}
    assert status.last_success_at is None
    host.component.stop()


def test_never_two_jobs_at_once(host: Host) -> None:
    """A job that takes long before it even says that it runs is not started a second time."""
    host.script.text = f"time.sleep(6)\n{SUCCEEDS}"
    host.component.start()
    wait_until(host.journal.outcomes, "a job has run")
    assert len(host.script.started) == 1


def test_never_twice_for_a_slot(host: Host) -> None:
    """A slot that is done, here or by another host, is not done again."""
    host.script.text = IS_SKIPPED
    host.component.start()
    wait_until(host.journal.outcomes, "the job saw that it was done")
    time.sleep(5)
    slots = [slot for _, slot in host.script.started]
    assert len(set(slots)) == len(slots)


def test_a_failed_run_is_told_and_made_good(host: Host) -> None:
    """What failed is told in its own words with its remedy, tried again after a while, and forgotten when it works."""
    host.script.text = FAILS
    host.component.start()
    wait_until(lambda: host.component.status().state is State.DEGRADED, "it is degraded")
    status = host.component.status()
    assert status.last_error is not None
    assert "Access denied for user vawsum" in status.last_error
    assert status.hint == "mend it"
    assert host.detail("last_backup") is not None, "the one before is still there"
    host.script.text = SUCCEEDS
    host.clock.ahead_s = 11 * 60.0
    host.bucket.there = backup(host.clock.now() + 5.0)
    wait_until(lambda: host.component.status().state is State.RUNNING, "it is well again")


@pytest.mark.parametrize(
    ("script", "level", "words"),
    [
        (FAILS, "warning", "Access denied for user vawsum"),
        (DIES_EARLY, "warning", "no module named this"),
        (SUCCEEDS, "info", ""),
        (IS_BUSY, "info", ""),
    ],
)
def test_the_log_says_why_it_failed(host: Host, script: str, level: str, words: str) -> None:
    """What failed is a warning with the error, whoever wrote it down; all else is none."""
    host.script.text = script
    with capture_logs() as lines:
        host.component.start()
        wait_until(lambda: any(line["event"] == "backup_job_ended" for line in lines), "the end is logged")
        host.component.stop()
    line = next(line for line in lines if line["event"] == "backup_job_ended")
    assert (line["log_level"], line["kind"]) == (level, "backup")
    assert words in line.get("error", "")
    assert ("error" in line) is bool(words)


def test_a_failed_run_waits_before_it_is_tried_again(tmp_path: Path) -> None:
    """The first retry comes after ten minutes, and status says when."""
    host = Host(tmp_path, FAILS, schedule="0 0 * * *")
    host.bucket.there = backup(time.time() - 2 * DAY_S)
    host.component.start()
    wait_until(lambda: host.detail("next_try_at"), "a failure, and a time for the next try")
    time.sleep(3)
    assert len(host.script.started) == 1
    host.clock.ahead_s = 601.0
    wait_until(lambda: len(host.script.started) == 2, "the second try")
    host.component.stop()


def test_a_busy_lock_is_no_failure(host: Host) -> None:
    """A job that could not begin is started again in a minute; nothing is wrong meanwhile."""
    host.script.text = IS_BUSY
    host.component.start()
    wait_until(lambda: host.script.started and host.detail("next_try_at"), "it waits for its next try")
    assert host.component.status().state is State.RUNNING
    assert host.journal.outcomes() == []


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (DIES_EARLY, "no module named this"),
        ("sys.exit(1)", "exit code 1"),
        ("pass", "without a word"),
        (KILLS_ITSELF, "signal 9, while dumping"),
    ],
)
def test_a_job_that_could_not_tell_is_told_of(host: Host, script: str, words: str) -> None:
    """A job that ends before it wrote anything, or is killed, is in the journal, with its last words."""
    host.script.text = script
    host.component.start()
    wait_until(host.journal.outcomes, "it is noted")
    assert words in host.journal.outcomes()[0].error
    wait_until(lambda: host.component.status().state is State.DEGRADED, "it is told")
    assert host.journal.running() is None


def test_the_uploads_of_a_killed_job_are_aborted(host: Host) -> None:
    """What a killed backup had begun to upload is thrown away at once."""
    host.script.text = KILLS_ITSELF
    host.component.start()
    wait_until(lambda: host.bucket.aborted == [BACKUP_ID], "its uploads are aborted")


def test_what_a_dead_daemon_left_is_cleaned_up(host: Host) -> None:
    """A job that ended with the daemon before this one is noted as killed, its uploads go, and it runs again at once;
    nobody is told of a failure.
    """  # noqa: D205 - one sentence
    slot = time.time() // 60 * 60
    with host.journal.locked():
        host.journal.write_running(
            Running(kind="backup", pid=1, started_at=slot, slot=slot, phase="dumping", backup_id="20200101T000000Z")
        )
    host.clock.ahead_s = 1.0
    host.build().start()
    wait_until(lambda: len(host.journal.outcomes()) > 1, "it is noted, and the slot is run again")
    first = host.journal.outcomes()[0]
    assert "killed while dumping" in first.error
    assert not first.is_ok
    assert host.bucket.aborted == ["20200101T000000Z"]
    assert host.problems() == []


def test_a_job_by_hand_is_shown_and_left_alone(host: Host) -> None:
    """While somebody else holds the lock, their job is shown with its progress, and none is started beside it."""
    with host.journal.locked():
        host.journal.write_running(
            Running(kind="restore", pid=7, started_at=time.time(), phase="loading", done_bytes=1, total_bytes=4)
        )
        host.component.start()
        wait_until(lambda: host.detail("running"), "it is shown")
        running = host.detail("running")
        assert isinstance(running, dict)
        assert (running["kind"], running["done_bytes"], running["total_bytes"]) == ("restore", 1, 4)
        time.sleep(3)
        assert host.script.started == []
        host.journal.write_outcome(Outcome(kind="restore", started_at=1.0, ended_at=2.0, is_ok=True))
    wait_until(lambda: host.script.started, "then the schedule has its turn")


def test_stopping_ends_the_job(host: Host) -> None:
    """A drain whose time is over ends the job and says so; when the component has stopped no process is left."""
    host.script.text = HANGS
    host.component.start()
    wait_until(host.journal.running, "a job runs")
    with pytest.raises(DrainTimeout, match="backup that ran was ended"):
        host.component.drain(Deadline(host.clock, 12.0))
    host.component.stop()
    assert not host.journal.is_locked()
    assert host.component.status().state is State.STOPPED


def test_a_drain_waits_for_the_job(host: Host, tmp_path: Path) -> None:
    """One that ends by itself in time is not ended, and the drain is complete; no other is started meanwhile."""
    host.script.text = WAITS
    host.component.start()
    wait_until(host.journal.running, "a job runs")
    timer = threading.Timer(1.0, (tmp_path / "go-on").touch)
    timer.start()
    host.component.drain(Deadline(host.clock, 120.0))
    timer.join()
    (outcome,) = host.journal.outcomes()
    assert (outcome.is_ok, outcome.is_halted) == (True, False)
    assert len(host.script.started) == 1


def test_a_drain_that_is_cut_short(host: Host) -> None:
    """A stop in the middle of a long drain does not wait for its end."""
    host.script.text = HANGS
    host.component.start()
    wait_until(host.journal.running, "a job runs")
    deadline = CuttableDeadline(host.clock, 3600.0)
    timer = threading.Timer(1.0, deadline.cut, [5.0])
    timer.start()
    with pytest.raises(DrainTimeout, match="backup that ran was ended"):
        host.component.drain(deadline)
    timer.join()


def test_stopping_ends_a_job_that_does_not_listen(host: Host) -> None:
    """Who ignores SIGTERM is killed, with all that it started."""
    host.script.text = (
        "import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "with journal.locked():\n child = subprocess.Popen(['sleep', '600'])\n run(str(child.pid))\n time.sleep(600)"
    )
    host.component.start()
    wait_until(host.journal.running, "a job runs")
    running = host.journal.running()
    assert running is not None
    host.component.stop()
    assert not host.journal.is_locked()
    wait_until(lambda: _is_gone(int(running.phase)), "its child is gone")


def test_an_idle_component_drains_at_once(host: Host) -> None:
    """Where no job runs there is nothing to wait for."""
    host.bucket.there = None
    host.component.start()
    wait_until(lambda: host.bucket.asked, "S3 was asked")
    host.component.drain(Deadline(host.clock, 30.0))
    assert host.script.started == []


def test_age_is_watched(tmp_path: Path) -> None:
    """26 hours after the newest backup of a daily schedule it is degraded; its age is a metric all along."""
    host = Host(tmp_path, schedule=NEVER_NOW)
    host.config = type(host.config)(bucket="vawsum-backups", schedule="0 0 * * *")
    host.script.text = IS_BUSY
    host.build()
    host.bucket.there = backup(time.time() - 25 * HOUR_S)
    host.component.start()
    wait_until(lambda: host.component.status().measures, "the age is known")
    assert 24 * HOUR_S < host.component.status().measures["vawsum_backup_age_seconds"] < 26 * HOUR_S
    assert host.problems() == []
    host.clock.ahead_s = 2 * HOUR_S
    wait_until(lambda: host.component.status().state is State.DEGRADED, "it is too old")
    assert "no backup of production-db for 27 h" in host.problems()[0]
    host.bucket.there = backup(host.clock.now() - 60.0)
    host.clock.ahead_s += HOUR_S
    wait_until(lambda: host.component.status().state is State.RUNNING, "another host made one")
    host.component.stop()


def test_flags_are_told(tmp_path: Path) -> None:
    """A backup that is odd is there, and people are told of it."""
    host = Host(tmp_path, schedule=NEVER_NOW)
    host.bucket.there = backup(time.time(), flags=("half the usual size",))
    host.component.start()
    wait_until(lambda: host.component.status().state is State.DEGRADED, "it is told")
    assert "half the usual size" in host.problems()[0]
    host.component.stop()


def test_s3_away_is_told_when_it_lasts(tmp_path: Path) -> None:
    """What was known stays; that S3 does not answer is told after two minutes, and its end as well."""
    host = Host(tmp_path, schedule=NEVER_NOW)
    host.bucket.there = backup(time.time())
    host.component.start()
    wait_until(lambda: host.detail("last_backup"), "the newest is known")
    host.bucket.error = Unavailable("no answer from S3", hint="wait")
    host.clock.ahead_s = HOUR_S
    wait_until(lambda: host.bucket.refused, "it is asked again")
    assert host.problems() == []
    host.clock.ahead_s += 1000.0
    wait_until(lambda: host.component.status().state is State.DEGRADED, "it lasts")
    assert host.problems() == ["the backups in S3 can't be looked at: no answer from S3"]
    assert host.detail("last_backup") is not None
    host.bucket.error = None
    host.clock.ahead_s += 1000.0
    wait_until(lambda: host.component.status().state is State.RUNNING, "it answers again")
    host.component.stop()


def test_who_may_not_sweep_backs_up(host: Host) -> None:
    """A role that may not list unfinished uploads is told of, and keeps no backup from being made."""
    host.bucket.sweep_error = AccessDenied("s3:ListBucketMultipartUploads is not allowed", hint="allow it")
    host.component.start()
    wait_until(host.journal.outcomes, "a job has run")
    host.script.text = IS_SKIPPED
    host.clock.ahead_s = HOUR_S
    wait_until(lambda: any("MultipartUploads" in problem for problem in host.problems()), "it is told")


def test_what_was_ended_hides_no_failure(tmp_path: Path) -> None:
    """A drill that somebody broke off says nothing of the one before it, which failed."""
    host = Host(tmp_path, schedule=NEVER_NOW)
    host.bucket.there = backup(time.time())
    with host.journal.locked():
        failed = Outcome(kind="drill", started_at=time.time(), ended_at=time.time(), is_ok=False, error="3 rows differ")
        host.journal.write_outcome(failed)
        host.journal.write_outcome(replace(failed, error="the drill was ended", is_halted=True))
    host.component.start()
    wait_until(lambda: any("3 rows differ" in problem for problem in host.problems()), "it is still told")
    host.component.stop()


def test_a_damaged_backup_is_none(tmp_path: Path) -> None:
    """Found damaged by hand, tonight's is told of, the age is that of the one before, and another is made at once."""
    host, now = Host(tmp_path, HANGS, schedule="0 0 * * *"), time.time()
    slot = last_slot("0 0 * * *", host.config.timezone, now)
    assert slot is not None
    noted = Noted(schedule=host.config.schedule, timezone=host.config.timezone, since=slot - 9 * DAY_S)
    Schedules(host.journal.folder).write({"backup": noted})
    with host.journal.locked():
        made = Outcome(kind="backup", started_at=slot, ended_at=slot, is_ok=True, slot=slot, backup_id=BACKUP_ID)
        host.journal.write_outcome(made)
    host.bucket.there = backup(slot)
    host.component.start()
    wait_until(lambda: host.detail("last_backup"), "the newest is known")
    assert (host.problems(), host.script.started) == ([], [])
    host.bucket.there = backup(slot - DAY_S, backup_id="20251231T000000Z")
    host.bucket.damaged = (Damage(BackupName("production-db", BACKUP_ID), ("frame 3 is damaged",)),)
    with host.journal.locked():
        host.journal.write_outcome(replace(made, kind="verify", is_ok=False, error="frame 3 is damaged"))
    wait_until(lambda: host.script.started == [("backup", slot)], "another one is made")
    wait_until(lambda: any("frame 3 is damaged" in problem for problem in host.problems()), "it is told")
    assert host.component.status().measures["vawsum_backup_age_seconds"] > DAY_S - 60.0
    host.component.stop()


def test_drills_follow_their_schedule(tmp_path: Path) -> None:
    """A drill runs for its slot once there is a backup; how long the restore took is told and published."""
    host = Host(tmp_path, schedule=NEVER_NOW, drill="* * * * *")
    host.component.start()
    wait_until(lambda: host.bucket.asked, "S3 was asked")
    host.clock.ahead_s = 61.0
    time.sleep(3)
    assert host.script.started == [], "there is nothing to restore"
    host.bucket.there = backup(time.time() - 5 * DAY_S)
    host.clock.ahead_s += HOUR_S
    wait_until(lambda: host.detail("last_drill"), "it was drilled")
    assert {kind for kind, _ in host.script.started} == {"drill"}
    assert host.detail("rto_s") == 7.5
    assert host.component.status().measures["vawsum_backup_restore_seconds"] == 7.5
    host.script.text = FAILS
    host.clock.ahead_s += 61.0
    wait_until(lambda: any("drill of" in problem for problem in host.problems()), "a failed drill is told")
    host.component.stop()


def test_the_past_survives_a_restart(host: Host) -> None:
    """What the journal and S3 know is told by the next daemon: the last backup, the last drill, and what failed."""
    now = time.time()
    for outcome in (
        Outcome(kind="drill", started_at=now - 50, ended_at=now - 9, is_ok=True, backup_id=BACKUP_ID, restore_s=41.0),
        Outcome(kind="backup", started_at=now - 8, ended_at=now - 7, is_ok=False, slot=now - 8, error="disk full"),
    ):
        with host.journal.locked():
            host.journal.write_outcome(outcome)
    host.script.text = HANGS
    host.build().start()
    wait_until(lambda: host.detail("last_drill") and host.detail("last_backup"), "all is known again")
    assert host.detail("rto_s") == 41.0
    assert any("failed: disk full" in problem for problem in host.problems())


class BrokenJournal(Journal):
    """Raises what nobody expects, once a job runs."""

    def running(self) -> Running | None:
        """See `Journal.running`."""
        if self.is_locked():
            message = "a bug"
            raise RuntimeError(message)
        return super().running()


def test_a_bug_leaves_no_job(host: Host, tmp_path: Path) -> None:
    """A bug fails the component, which the supervisor replaces, and ends the job: nobody would follow it."""
    host.script.text = HANGS
    host.journal = BrokenJournal(tmp_path)
    host.build().start()
    wait_until(lambda: host.component.status().state is State.FAILED, "it has failed")
    wait_until(lambda: not host.journal.is_locked(), "the job is gone")
    assert host.problems()[0] == "RuntimeError: a bug"


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIG_DFL)
    except ProcessLookupError:
        return True
    return False
