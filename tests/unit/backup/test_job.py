"""A job tells on disk that it runs and how it ended, and what can't be told hides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.backup.job import begun
from vawsum_agent.backup.journal import Journal
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BackupError, BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from vawsum_agent.backup.job import Job


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """One whose lock is held."""
    made = Journal(tmp_path)
    with made.locked():
        yield made


def begin(journal: Journal, *, is_halted: bool = False) -> AbstractContextManager[Job]:
    """Begin a backup for a moment of the schedule."""
    return begun("backup", journal, SystemClock(), lambda *_: None, lambda: is_halted, server="db", slot=7.0)


def test_life(journal: Journal) -> None:
    """It runs under a name, tells its phases, and ends with what came of it."""
    with begin(journal) as job:
        job.name("20260131T183000Z")
        job.show("dumping", 5, 10)
        job.show("dumping", 6, 10)
        running = journal.running()
        assert running is not None
        assert (running.backup_id, running.slot) == ("20260131T183000Z", 7.0)
        assert (running.phase, running.done_bytes) == ("dumping", 5)
        job.end(job.outcome(raw_bytes=10))
    assert journal.running() is None
    (outcome,) = journal.outcomes()
    assert (outcome.is_ok, outcome.backup_id, outcome.raw_bytes) == (True, "20260131T183000Z", 10)


@pytest.mark.parametrize("is_halted", [True, False])
@pytest.mark.parametrize("error", [BackupError("it broke", hint="mend it"), ValueError("a bug")])
def test_failure(journal: Journal, error: Exception, *, is_halted: bool) -> None:
    """Whatever ended it is noted and raised; what was told to end is no failure."""
    with pytest.raises(type(error)), begin(journal, is_halted=is_halted):
        raise error
    (outcome,) = journal.outcomes()
    assert (outcome.is_ok, outcome.is_halted) == (False, is_halted)
    assert str(error.args[0]) in outcome.error


def test_busy_is_nothing_that_ended(journal: Journal) -> None:
    """Another host makes it: nothing was begun here."""
    with pytest.raises(BusyError), begin(journal):
        raise BusyError("i-2 makes it")
    assert (journal.running(), journal.outcomes()) == (None, [])


def test_a_journal_that_can_not_be_written_hides_nothing(journal: Journal) -> None:
    """The reason is what is raised, and a phase that can't be shown ends nothing."""

    def break_off() -> None:
        with begin(journal) as job:
            (journal.folder / "history.json").mkdir()
            (journal.folder / "running.json").unlink()
            (journal.folder / "running.json").mkdir()
            job.show("dumping", 1, None)
            raise BackupError("it broke")

    with pytest.raises(BackupError, match="it broke"):
        break_off()
