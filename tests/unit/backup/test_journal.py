"""One job at a time, told on disk; what is killed leaves a note, and a note that is damaged stops nobody."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.backup.journal import Journal, Outcome, Running
from vawsum_agent.core.errors import BusyError, StateError

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = Running(kind="backup", pid=7, started_at=100.0, backup_id="20260131T183000Z", phase="dumping")
HOLDER = """
import sys, time
from pathlib import Path
from vawsum_agent.backup.journal import Journal, Running
journal = Journal(Path(sys.argv[1]))
with journal.locked():
    journal.write_running(Running(kind="backup", pid=1, started_at=1.0))
    print("held", flush=True)
    time.sleep(60)
"""


def ended(number: int) -> Outcome:
    """How a job ended."""
    return Outcome(kind="backup", started_at=float(number), ended_at=number + 1.0, is_ok=True)


def test_life_of_a_job(tmp_path: Path) -> None:
    """It runs, tells how far it is, ends, and is in the history."""
    journal = Journal(tmp_path)
    assert (journal.running(), journal.outcomes(), journal.is_locked()) == (None, [], False)
    with journal.locked():
        assert journal.is_locked()
        journal.write_running(RUNNING)
        journal.write_running(RUNNING, durably=False)
        assert journal.running() == RUNNING
        journal.write_outcome(ended(1))
    assert (journal.running(), journal.outcomes(), journal.is_locked()) == (None, [ended(1)], False)


def test_one_at_a_time(tmp_path: Path) -> None:
    """The second is told who has it; a killed one has it no more, but left its note."""
    journal = Journal(tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(BusyError, match="a backup of process 1"), journal.locked():
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert not journal.is_locked()
    running = journal.running()
    assert running is not None
    assert running.kind == "backup"
    with journal.locked():
        journal.forget_running()
    assert journal.running() is None


def test_history_is_bounded(tmp_path: Path) -> None:
    """The latest last, and never more than are read at once."""
    journal = Journal(tmp_path)
    with journal.locked():
        for number in range(205):
            journal.write_outcome(ended(number))
    assert [outcome.started_at for outcome in journal.outcomes()] == [float(number) for number in range(5, 205)]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff", b'{"kind": "dance"}'])
def test_damaged(tmp_path: Path, content: bytes) -> None:
    """It tells of nothing, and the next job writes it anew."""
    journal = Journal(tmp_path)
    with journal.locked():
        for name in ("running.json", "history.json"):
            (journal.folder / name).write_bytes(content)
        assert (journal.running(), journal.outcomes()) == (None, [])
        journal.write_outcome(ended(1))
    assert journal.outcomes() == [ended(1)]


def test_folder_of_somebody_else(tmp_path: Path) -> None:
    """It says so in one line."""
    (tmp_path / "backup").write_text("no folder")
    with pytest.raises(StateError, match="can't be written"), Journal(tmp_path).locked():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]
