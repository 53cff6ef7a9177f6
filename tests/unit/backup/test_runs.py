"""Jobs that end while they are looked at are not taken for killed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.unit.backup.jobs import BACKUP_ID, Bucket, Script, ShiftedClock
from vawsum_agent.backup.agenda import Agenda
from vawsum_agent.backup.journal import Journal, Outcome, Running
from vawsum_agent.backup.newest import Inquiry
from vawsum_agent.backup.runs import Runs
from vawsum_agent.backup.since import Schedules
from vawsum_agent.config.model.backup import BackupConfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTE = Running(kind="backup", pid=7, started_at=1.0, phase="dumping", backup_id=BACKUP_ID)
ENDED = Outcome(kind="backup", started_at=1.0, ended_at=2.0, is_ok=True)


class EndingJournal(Journal):
    """One whose job ends when it is asked whether it runs."""

    def is_locked(self) -> bool:
        """See `Journal.is_locked`."""
        self.write_outcome(ENDED)
        return super().is_locked()


class RacedJournal(Journal):
    """One in which another job begins and ends before anybody else has the lock."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """See `Journal.locked`."""
        with super().locked():
            self.write_outcome(ENDED)
            yield


def following(journal: Journal) -> tuple[Runs, Bucket, Inquiry]:
    """What follows a journal."""
    clock, bucket = ShiftedClock(), Bucket()
    config = BackupConfig(bucket="vawsum-backups")
    inquiry = Inquiry(bucket, clock, lambda: 0.5)
    script = Script(journal.folder.parent, "")
    return Runs(journal, Agenda(config, Schedules(journal.folder)), inquiry, script, clock), bucket, inquiry


@pytest.mark.parametrize(("kind", "aborted"), [(EndingJournal, []), (RacedJournal, [BACKUP_ID])])
def test_one_that_ends_meanwhile(tmp_path: Path, kind: type[Journal], aborted: list[str]) -> None:
    """Its own word stands, and it was killed by nobody."""
    journal = kind(tmp_path)
    journal.folder.mkdir()
    journal.write_running(NOTE)
    runs, bucket, inquiry = following(journal)
    running, outcomes = runs.follow()
    assert running is None
    assert outcomes == [ENDED]
    assert journal.outcomes() == [ENDED]
    inquiry.turn()
    assert bucket.aborted == aborted


def test_one_that_was_killed(tmp_path: Path) -> None:
    """Its note is there, and nobody has the lock."""
    journal = Journal(tmp_path)
    journal.folder.mkdir()
    journal.write_running(NOTE)
    _, (outcome,) = following(journal)[0].follow()
    assert outcome.error == "it was killed while dumping"


def test_what_was_done_by_hand_is_asked_for(tmp_path: Path) -> None:
    """A job that somebody ran may have made a backup, or found one damaged: S3 is asked soon, and not again."""
    journal = Journal(tmp_path)
    journal.folder.mkdir()
    runs, bucket, inquiry = following(journal)

    def asked() -> int:
        runs.follow()
        inquiry.turn()
        return bucket.asked

    assert [asked(), asked()] == [1, 1]
    journal.write_outcome(ENDED)
    assert [asked(), asked()] == [2, 2]
