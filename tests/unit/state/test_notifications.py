"""The outbox of notifications and the memory of alerts."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import StateError
from vawsum_agent.state.notifications import MOST_WAITING, Draft, Notifications, leave
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from pathlib import Path


def open_rows(folder: Path) -> Notifications:
    """Open the tables in the store of a folder."""
    return Notifications(Store.open(folder / "state.db", SystemClock()))


def drafts(first: int, count: int) -> list[Draft]:
    """Give so many, numbered; their time is their number."""
    return [Draft(float(number), f"s{number}", f"b{number}") for number in range(first, first + count)]


def subjects(rows: Notifications) -> list[str]:
    """What waits, oldest first."""
    return [waiting.subject for waiting in rows.pending(1000)]


def test_oldest_first_until_sent(tmp_path: Path) -> None:
    """What is recorded waits in its order, across a crash, until it is sent; tries are counted."""
    rows = open_rows(tmp_path)
    rows.record({}, drafts(1, 3))
    rows.tried(1)
    rows = open_rows(tmp_path)
    first = rows.pending()[0]
    assert (first.subject, first.body, first.created_at, first.tries, first.folded) == ("s1", "b1", 1.0, 1, 0)
    assert [waiting.subject for waiting in rows.pending(5, but=[1, 3])] == ["s2"]
    rows.sent(first)
    assert (subjects(rows), rows.waiting_count(), rows.sent_count()) == (["s2", "s3"], 2, 1)


def test_memory_and_message_come_together(tmp_path: Path) -> None:
    """A decision is written with its message or not at all; None forgets."""
    rows = open_rows(tmp_path)
    rows.record({"logs": b"1", "metrics": b"2"}, drafts(1, 1))
    rows.record({"logs": b"3", "metrics": None})
    with pytest.raises(StateError):
        rows.record({"logs": b"4"}, [Draft(1.0, "s", None)])  # type: ignore[arg-type]
    assert (rows.memories(), subjects(rows)) == ({"logs": b"3"}, ["s1"])


def test_a_crash_inside_the_transaction_leaves_neither(tmp_path: Path) -> None:
    """Killed -9 between the memory and the message, in the one transaction: the next start finds neither."""
    script = f"""
        import os, signal
        from pathlib import Path
        from vawsum_agent.core.clock import SystemClock
        from vawsum_agent.state.notifications import Notifications
        from vawsum_agent.state.store import Store

        class Deadly:
            created_at = 1.0
            body = "b"
            @property
            def subject(self):
                os.kill(os.getpid(), signal.SIGKILL)

        rows = Notifications(Store.open(Path({str(tmp_path / "state.db")!r}), SystemClock()))
        rows.record({{"logs": b"told"}}, [Deadly()])
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert ended.returncode == -signal.SIGKILL
    rows = open_rows(tmp_path)
    assert (rows.memories(), subjects(rows)) == ({}, [])


def test_the_oldest_are_folded_and_counted(tmp_path: Path) -> None:
    """Beyond the bound the oldest become one note that counts them and says from when to when; it goes out first."""
    rows = open_rows(tmp_path)
    assert rows.record({}, drafts(1, MOST_WAITING)) == 0
    assert rows.record({}, drafts(MOST_WAITING + 1, 1)) == 2
    assert rows.record({}, drafts(MOST_WAITING + 2, 98)) == 98
    note, oldest = rows.pending(2)
    assert (note.folded, note.created_at, note.last_at) == (100, 1.0, 100.0)
    assert oldest.subject == "s101"
    assert (rows.waiting_count(), rows.folded_count()) == (MOST_WAITING, 100)
    rows.sent(note)
    assert rows.pending()[0].subject == "s101"
    assert rows.waiting_count() == MOST_WAITING - 1


def test_what_is_folded_while_the_note_is_sent_is_told_later(tmp_path: Path) -> None:
    """A note is settled for what it said; what was folded in the meantime stays in it."""
    rows = open_rows(tmp_path)
    rows.record({}, drafts(1, MOST_WAITING + 10))
    note = rows.pending()[0]
    rows.record({}, drafts(MOST_WAITING + 11, 5))
    rows.sent(note)
    assert rows.pending()[0].folded == 5


def test_a_message_folded_while_it_is_sent_counts_as_sent(tmp_path: Path) -> None:
    """Added = sent + folded + waiting, also when another process fills the outbox during a send."""
    rows = open_rows(tmp_path)
    rows.record({}, drafts(1, MOST_WAITING))
    under_way = rows.pending()[0]
    leave(tmp_path / "state.db", Draft(1.0, "late", "b"))
    rows.sent(under_way)
    note = rows.pending()[0]
    assert (rows.sent_count(), rows.folded_count(), note.folded) == (1, 1, 1)
    assert rows.waiting_count() - 1 + 2 == MOST_WAITING + 1


def test_a_message_sent_by_two_components_is_folded_by_none(tmp_path: Path) -> None:
    """One that was sent again, since the component before was replaced amid its request, leaves the counts true."""
    rows = open_rows(tmp_path)
    rows.record({}, drafts(1, 1))
    under_way = rows.pending()[0]
    rows.sent(under_way)
    rows.sent(under_way)
    assert (rows.sent_count(), rows.folded_count(), rows.waiting_count()) == (2, 0, 0)


def test_left_by_another_process(tmp_path: Path) -> None:
    """A job leaves its result in the outbox of the running daemon: in its order, and the daemon's store stays its."""
    rows = open_rows(tmp_path)
    rows.record({}, drafts(1, 1))
    script = (
        "import sys; from pathlib import Path; from vawsum_agent.state.notifications import Draft, leave;"
        "leave(Path(sys.argv[1]), Draft(2.0, 'backup failed', 'why'))"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "state.db"], check=True, env=dict(os.environ))
    assert subjects(rows) == ["s1", "backup failed"]
    assert rows._store.read("SELECT was_closed FROM boot")[0]["was_closed"] == 0


def test_nothing_is_left_where_no_daemon_was(tmp_path: Path) -> None:
    """No store: the job is told so, in one line, and none is made behind the daemon's back."""
    with pytest.raises(StateError, match="backup failed"):
        leave(tmp_path / "state.db", Draft(2.0, "backup failed", "why"))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_in_another_versions_store(tmp_path: Path) -> None:
    """A store that another version wrote is not touched."""
    open_rows(tmp_path)
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    with pytest.raises(StateError, match="not of this version"):
        leave(tmp_path / "state.db", Draft(2.0, "s", "b"))
