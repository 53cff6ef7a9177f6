"""The outbox of notifications, and what is remembered of each component's trouble. Understands neither.

The outbox is bounded: beyond `MOST_WAITING` the oldest are folded into one note that counts them. The note is the row
with id 0, so it goes out first; its body holds the count and the time of the last one folded.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from vawsum_agent.core.errors import StateError
from vawsum_agent.state.schema import APPLICATION_ID, VERSION
from vawsum_agent.state.store import add_to_counter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from vawsum_agent.state.store import Store

MOST_WAITING = 500
"""Rows of the outbox, the note of folded ones included."""

_NOTE_ID = 0
_SENT = "notifications_sent"
_FOLDED = "notifications_folded"
_DROPPED = "notifications_dropped"
_BUSY_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A notification to be sent; ``created_at`` is what it is about, seconds since the epoch."""

    created_at: float
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notification that was not sent yet, as far as is known.

    Attributes:
        tries: how often it was about to be sent; a crash in the middle of one leaves open whether it was.
        folded: of the note, how many it stands for, from ``created_at`` to ``last_at``; it has no text of its own.
    """

    notification_id: int
    created_at: float
    subject: str
    body: str
    tries: int
    folded: int = 0
    last_at: float = 0.0


class Notifications:
    """The rows of both tables. Every method is one transaction and raises StateError when it did not happen."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def memories(self) -> dict[str, bytes]:
        """Read what is remembered, by component."""
        return {row["component"]: bytes(row["body"]) for row in self._store.read("SELECT component, body FROM alert")}

    def record(self, memories: Mapping[str, bytes | None], drafts: Sequence[Draft] = ()) -> int:
        """Remember what was decided and put what is to be told into the outbox, together.

        Args:
            memories: by component; None forgets it.
            drafts: oldest first.

        Returns:
            How many were folded to stay within bounds.
        """

        def change(db: sqlite3.Connection) -> int:
            for component, body in memories.items():
                if body is None:
                    db.execute("DELETE FROM alert WHERE component = ?", (component,))
                else:
                    db.execute("INSERT OR REPLACE INTO alert VALUES (?, ?)", (component, body))
            return _add(db, drafts)

        # If we die before this commits, neither is there and the next look decides again; after it, both are.
        return self._store.write(change)

    def pending(self, limit: int = 1, but: Iterable[int] = ()) -> list[Waiting]:
        """Read the oldest that wait, leaving out some by their ids."""
        skipped = tuple(but)
        marks = ",".join("?" * len(skipped))
        rows = self._store.read(
            f"SELECT * FROM notification WHERE notification_id NOT IN ({marks})"  # noqa: S608 - question marks
            " ORDER BY notification_id LIMIT ?",
            (*skipped, limit),
        )
        return [_waiting(row) for row in rows]

    def waiting_count(self) -> int:
        """Count the rows of the outbox."""
        return int(self._store.read("SELECT count(*) AS waiting FROM notification")[0]["waiting"])

    def sent_count(self) -> int:
        """Count what was ever sent."""
        return self._store.counter(_SENT)

    def folded_count(self) -> int:
        """Count what was ever folded."""
        return self._store.counter(_FOLDED)

    def dropped_count(self) -> int:
        """Count what was ever given up without being sent."""
        return self._store.counter(_DROPPED)

    def tried(self, notification_id: int) -> None:
        """Write down that one is about to be sent."""
        self._store.write(
            lambda db: db.execute(
                "UPDATE notification SET tries = tries + 1 WHERE notification_id = ?", (notification_id,)
            )
        )

    def sent(self, waiting: Waiting) -> None:
        """Take one that was sent out of the outbox; of the note, only what it counted when it was read."""

        def settle(db: sqlite3.Connection) -> None:
            add_to_counter(db, _SENT, 1)
            if waiting.folded:
                _fold_less(db, waiting.folded)
                return
            removed = db.execute(
                "DELETE FROM notification WHERE notification_id = ?", (waiting.notification_id,)
            ).rowcount
            # Another process filled the outbox meanwhile, and this one was folded; without a note nothing was, and a
            # component that was replaced amid its request has sent it once more.
            if not removed and _note(db) is not None:
                _fold_less(db, 1)
                add_to_counter(db, _FOLDED, -1)

        # If we die before this commits, the next start sends it once more: at least once is what SNS allows for.
        self._store.write(settle)


def leave(path: Path, draft: Draft) -> None:
    """Put a notification into the outbox of a daemon from another process; the daemon, now or once it runs, sends it.

    Opens the file for this alone: `Store.open` is for its owner, who also looks for damage and marks its boots.

    Raises:
        StateError: it is not there. Trying again helps when the file was busy.
    """
    try:
        with contextlib.closing(_connect(path)) as connection:
            _check_version(connection, path)
            connection.execute("BEGIN IMMEDIATE")
            _add(connection, [draft])
            connection.execute("COMMIT")
    except sqlite3.Error as exc:
        message = f"{path}: the notification {draft.subject!r} can't be left: {exc}"
        raise StateError(message, hint="check that the daemon ran here once, and who owns the file") from exc


def drop_all_notifications(db: sqlite3.Connection) -> int:
    """Give up all that wait and forget all trouble, inside a transaction of the caller's; returns how many waited."""
    note = _note(db)
    count = db.execute("DELETE FROM notification WHERE notification_id <> ?", (_NOTE_ID,)).rowcount
    count += note.folded if note else 0
    db.execute("DELETE FROM notification")
    db.execute("DELETE FROM alert")
    add_to_counter(db, _DROPPED, count)
    return count


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


def _check_version(db: sqlite3.Connection, path: Path) -> None:
    found = [db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if found != [APPLICATION_ID, VERSION]:
        message = f"{path} is not of this version of the agent"
        raise StateError(message, hint="restart the daemon: it brings its store up to date")


def _add(db: sqlite3.Connection, drafts: Sequence[Draft]) -> int:
    db.executemany(
        "INSERT INTO notification (created_at, subject, body) VALUES (?, ?, ?)",
        [(draft.created_at, draft.subject, draft.body) for draft in drafts],
    )
    return _fold(db) if drafts else 0


def _fold(db: sqlite3.Connection) -> int:
    if db.execute("SELECT count(*) FROM notification").fetchone()[0] <= MOST_WAITING:
        return 0
    oldest_kept = db.execute(
        "SELECT notification_id FROM notification WHERE notification_id > ? ORDER BY notification_id DESC"
        " LIMIT 1 OFFSET ?",
        (_NOTE_ID, MOST_WAITING - 2),
    ).fetchone()[0]
    span = (_NOTE_ID, oldest_kept)
    count, first_at, last_at = db.execute(
        "SELECT count(*), min(created_at), max(created_at) FROM notification"
        " WHERE notification_id > ? AND notification_id < ?",
        span,
    ).fetchone()
    db.execute("DELETE FROM notification WHERE notification_id > ? AND notification_id < ?", span)
    note = _note(db)
    _write_note(
        db,
        note.folded + count if note else count,
        min(note.created_at, first_at) if note else first_at,
        max(note.last_at, last_at) if note else last_at,
    )
    add_to_counter(db, _FOLDED, count)
    return int(count)


def _fold_less(db: sqlite3.Connection, by: int) -> None:
    note = _note(db)
    if note is None or note.folded <= by:
        db.execute("DELETE FROM notification WHERE notification_id = ?", (_NOTE_ID,))
    else:
        _write_note(db, note.folded - by, note.created_at, note.last_at)


def _note(db: sqlite3.Connection) -> Waiting | None:
    row = db.execute("SELECT * FROM notification WHERE notification_id = ?", (_NOTE_ID,)).fetchone()
    return _waiting(row) if row else None


def _write_note(db: sqlite3.Connection, count: int, first_at: float, last_at: float) -> None:
    body = orjson.dumps({"count": count, "last_at": last_at}).decode()
    db.execute(
        "INSERT OR REPLACE INTO notification (notification_id, created_at, subject, body) VALUES (?, ?, '', ?)",
        (_NOTE_ID, first_at, body),
    )


def _waiting(row: sqlite3.Row) -> Waiting:
    values = (row["notification_id"], row["created_at"], row["subject"])
    if row["notification_id"] != _NOTE_ID:
        return Waiting(*values, row["body"], row["tries"])
    note = orjson.loads(row["body"])
    return Waiting(*values, "", row["tries"], note["count"], note["last_at"])
