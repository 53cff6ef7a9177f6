"""What is wrong with backups, since when schedules count, and when what failed is tried again: pure decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tests.unit.backup.jobs import backup
from vawsum_agent.alerts.news import kind_of
from vawsum_agent.backup.health import Look, oldest_s, problems
from vawsum_agent.backup.journal import Outcome
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish.catalog import Damage
from vawsum_agent.backup.since import Noted, since
from vawsum_agent.backup.tries import BUSY_AFTER_S, Tries
from vawsum_agent.core.errors import Unavailable

HOUR_S, DAY_S = 3600.0, 86_400.0
NOW = 1_780_000_000.0
WELL = Look(
    newest=backup(NOW - HOUR_S),
    is_known=True,
    oldest_s=26 * HOUR_S,
    since=NOW - 9 * DAY_S,
    failed=None,
    drill=None,
    error=None,
    server="production-db",
    timezone="Asia/Kolkata",
)
FAILED = Outcome(
    kind="backup", started_at=NOW - 60, ended_at=NOW, is_ok=False, slot=NOW - 60, error="it broke", hint=""
)


def test_nothing_is_wrong() -> None:
    """A backup of an hour ago gives nothing to say."""
    assert problems(WELL, NOW) == []


def test_what_is_not_known_is_not_claimed() -> None:
    """Before S3 has answered nobody is told that there is no backup."""
    assert problems(replace(WELL, newest=None, is_known=False), NOW) == []


def test_too_old() -> None:
    """After the time that the schedule allows it is told, with how long it is; no backup at all is told as well."""
    (problem,) = problems(WELL, NOW + 27 * HOUR_S)
    assert problem.what.startswith("no backup of production-db for 28 h")
    (problem,) = problems(replace(WELL, newest=None), NOW)
    assert problem.what == "there is no backup of production-db at all"
    assert problems(replace(WELL, newest=None, since=NOW - HOUR_S), NOW) == [], "its first slot is still to come"


def test_the_weightiest_is_first() -> None:
    """No backup weighs more than why the last one failed, then the drill, then what is odd."""
    look = replace(
        WELL,
        newest=backup(NOW - 2 * DAY_S, flags=("half the size",)),
        failed=FAILED,
        drill=replace_outcome(kind="drill", error="3 tables differ", hint="look"),
        error=Unavailable("no answer from S3", hint="wait"),
    )
    found = problems(look, NOW)
    assert [problem.what.split()[0] for problem in found] == ["no", "the", "the", "backup", "the"]
    assert found[1].what == "the backup of 2026-05-29 01:55 failed: it broke"
    assert found[1].hint.endswith("vawsum-agent backup run")
    assert (found[2].what, found[2].hint) == ("the drill of 2026-05-29 01:55 failed: 3 tables differ", "look")
    assert found[4].hint == "wait"


def test_a_damaged_backup() -> None:
    """It is told, with what was found, unless the run that made it and failed tells of it."""
    damage = Damage(BackupName("production-db", "20260528T202640Z"), ("frame 3 is damaged", "and another"))
    look = replace(WELL, damaged=(damage,))
    (problem,) = problems(look, NOW)
    assert problem.what == "backup 20260528T202640Z is damaged, and counts as none: frame 3 is damaged"
    (problem,) = problems(replace(look, failed=replace_outcome(backup_id="20260528T202640Z")), NOW)
    assert problem.what.endswith("failed: it broke")


def test_a_drill_that_another_host_held() -> None:
    """What it found wrong is told here, unless this host's own last drill failed."""
    newest = backup(NOW - HOUR_S, drill_problems=("table a.b is missing", "table a.c is missing"))
    (problem,) = problems(replace(WELL, newest=newest), NOW)
    assert "did not restore as it was: table a.b is missing and 1 more" in problem.what
    (own,) = problems(replace(WELL, newest=newest, drill=replace_outcome(kind="drill")), NOW)
    assert own.what.startswith("the drill of")


def replace_outcome(**changes: object) -> Outcome:
    """The failure, changed."""
    fields = {name: getattr(FAILED, name) for name in FAILED.__struct_fields__}
    return Outcome(**(fields | changes))


def test_night_after_night_is_one_trouble() -> None:
    """The same failure a night later, and an age that grows, are no news to who was told: only figures differ."""
    for look in (replace(WELL, failed=FAILED), replace(WELL, newest=backup(NOW - 3 * DAY_S))):
        (tonight,) = problems(look, NOW)
        later = replace(look, failed=replace_outcome(slot=NOW + DAY_S, started_at=NOW + DAY_S)) if look.failed else look
        (tomorrow,) = problems(later, NOW + HOUR_S)
        assert tonight != tomorrow
        assert kind_of(tonight) == kind_of(tomorrow)


@pytest.mark.parametrize(
    ("schedule", "now", "allowed_h"),
    [
        ("0 0 * * *", "2026-01-14 12:00", 26),
        ("0 0 * * *", "2026-03-29 12:00", 26),
        ("0 0 * * *", "2026-10-25 12:00", 26),
        ("0 */6 * * *", "2026-01-14 12:00", 8),
        ("0 0 * * mon", "2026-01-14 12:00", 7 * 24 + 2),
        ("0 0 29 2 *", "2026-01-14 12:00", 1461 * 24 + 2),
    ],
)
def test_how_old_it_may_be(schedule: str, now: str, allowed_h: float) -> None:
    """26 hours where there is one a day, whatever the clock does; else two hours more than lies between two."""
    assert oldest_s(schedule, "Europe/Berlin", at(now)) == allowed_h * HOUR_S


@pytest.mark.parametrize(
    ("now", "allowed_h"),
    [
        ("2026-01-11 23:59", 74),
        ("2026-01-12 00:00", 74),
        ("2026-01-12 02:00", 74),
        ("2026-01-12 02:01", 26),
        ("2026-01-15 23:59", 26),
        ("2026-01-16 00:00", 74),
    ],
)
def test_how_old_it_may_be_after_a_weekend(now: str, allowed_h: float) -> None:
    """While Monday's may still be on its way, Friday's is as good as it was on Sunday."""
    assert oldest_s("0 0 * * mon-fri", "Europe/Berlin", at(now)) == allowed_h * HOUR_S


def at(moment: str) -> float:
    """A moment in Berlin."""
    return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()


def test_from_when_a_schedule_counts() -> None:
    """A new host, or a changed schedule: from now. A rebuilt host: from the newest backup. A known one: as before."""
    assert since(None, "0 0 * * *", "UTC", None, NOW).since == NOW
    assert since(None, "0 0 * * *", "UTC", NOW - DAY_S, NOW).since == NOW - DAY_S
    noted = Noted(schedule="0 0 * * *", timezone="UTC", since=NOW - 9 * DAY_S)
    assert since(noted, "0 0 * * *", "UTC", NOW - DAY_S, NOW) == noted
    assert since(noted, "0 1 * * *", "UTC", NOW - DAY_S, NOW).since == NOW
    assert since(noted, "0 0 * * *", "Asia/Kolkata", None, NOW).since == NOW
    assert since(noted, "0 0 * * *", "UTC", None, NOW - 10 * DAY_S).since == NOW - 10 * DAY_S, (
        "the clock was wrong then"
    )


def test_retries_come_ever_later_and_begin_anew_with_a_slot() -> None:
    """10 minutes, half an hour, then hourly; the next slot is tried at once."""
    tries, at = Tries("backup"), 0.0
    for wait_s in (600.0, 1800.0, 3600.0, 3600.0):
        tries.failed(NOW, at)
        assert tries.wait_s(NOW, at) == wait_s
        at += wait_s
        assert tries.wait_s(NOW, at) == 0.0
    assert tries.wait_s(NOW + DAY_S, at - 1.0) == 0.0
    tries.was_busy(NOW + DAY_S, at)
    assert tries.wait_s(NOW + DAY_S, at) == BUSY_AFTER_S
    tries.failed(NOW + DAY_S, at)
    assert tries.wait_s(NOW + DAY_S, at) == 600.0
