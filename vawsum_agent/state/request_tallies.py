"""Tallies of requests between the access logs they are counted in and the metrics they become.

They are written in the transaction that books their batch and removed in the one that puts metrics in their place: so
each is in exactly one of these, whenever the process dies. Rows are only added and removed, never changed.

They are bounded: where metrics can't start while logs run nobody takes them out, and beyond `MOST_BYTES` those of the
earliest minutes go, and are counted.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.state.store import add_to_counter

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from vawsum_agent.state.store import Store

MOST_BYTES = 64 << 20
DROPPED_TALLIES = "request_tallies_dropped"
_SIZE = "request_tally_bytes"
"""A counter that goes up and down: summing up thousands of rows with each batch would be dear."""

_ROW_BYTES = 64
"""What a row costs besides its body."""

NO_LIMIT = -1
"""Of SQLite: LIMIT -1."""


class StoredTally(NamedTuple):
    """A tally of one minute; there may be many, each of another batch.

    Attributes:
        minute_ms: when the minute begins.
        body: see `RequestTally.decode`.
    """

    tally_id: int
    minute_ms: int
    body: bytes


class RequestTallies:
    """The rows of tallies."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def before(self, minute_ms: int, limit: int = NO_LIMIT, most_bytes: int | None = None) -> list[StoredTally]:
        """Read the tallies of minutes that begin before ``minute_ms``, earliest first. Raises StateError.

        Catching up with an old log leaves thousands of them a minute: ``limit`` and ``most_bytes``, of their bodies,
        bound what is in memory at a time. One is read in any case.
        """
        if most_bytes is not None:
            limit = self._count_within(minute_ms, limit, most_bytes)
        rows = self._store.read(
            "SELECT tally_id, minute_ms, body FROM request_tally WHERE minute_ms < ?"
            " ORDER BY minute_ms, tally_id LIMIT ?",
            (minute_ms, limit),
        )
        return [StoredTally(row["tally_id"], row["minute_ms"], row["body"]) for row in rows]

    def _count_within(self, minute_ms: int, limit: int, most_bytes: int) -> int:
        sizes = self._store.read(
            "SELECT length(body) FROM request_tally WHERE minute_ms < ? ORDER BY minute_ms, tally_id LIMIT ?",
            (minute_ms, limit),
        )
        totals = accumulate(int(row[0]) for row in sizes)
        return max(1, sum(total <= most_bytes for total in totals))


def add_tallies(db: sqlite3.Connection, tallies: Sequence[tuple[int, bytes]], most_bytes: int = MOST_BYTES) -> int:
    """Keep tallies, each as its minute and its body, inside a transaction of the caller's.

    Returns:
        How many, of the earliest minutes, went for want of room.
    """
    db.executemany("INSERT INTO request_tally (minute_ms, body) VALUES (?, ?)", tallies)
    too_many_bytes = _resize(db, sum(len(body) + _ROW_BYTES for _, body in tallies)) - most_bytes
    return _drop_earliest(db, too_many_bytes) if too_many_bytes > 0 else 0


def delete_tallies(db: sqlite3.Connection, tally_ids: Iterable[int]) -> None:
    """Forget tallies, inside a transaction of the caller's."""
    freed_bytes = 0
    for tally_id in tally_ids:
        row = db.execute("SELECT length(body) FROM request_tally WHERE tally_id = ?", (tally_id,)).fetchone()
        if row is not None:
            db.execute("DELETE FROM request_tally WHERE tally_id = ?", (tally_id,))
            freed_bytes += row[0] + _ROW_BYTES
    _resize(db, -freed_bytes)


def drop_all_tallies(db: sqlite3.Connection) -> int:
    """Give them all up, inside a transaction of the caller's; counted as dropped. Returns how many."""
    count = db.execute("DELETE FROM request_tally").rowcount
    db.execute("DELETE FROM counter WHERE name = ?", (_SIZE,))
    add_to_counter(db, DROPPED_TALLIES, count)
    return count


def _drop_earliest(db: sqlite3.Connection, too_many_bytes: int) -> int:
    gone: list[int] = []
    for row in db.execute("SELECT tally_id, length(body) FROM request_tally ORDER BY minute_ms, tally_id"):
        if too_many_bytes <= 0:
            break
        gone.append(row[0])
        too_many_bytes -= row[1] + _ROW_BYTES
    delete_tallies(db, gone)
    add_to_counter(db, DROPPED_TALLIES, len(gone))
    return len(gone)


def _resize(db: sqlite3.Connection, by_bytes: int) -> int:
    """Note that so many bytes came or went; returns how many there are."""
    row = db.execute("SELECT value FROM counter WHERE name = ?", (_SIZE,)).fetchone()
    size = max(0, (row[0] if row else 0) + by_bytes)
    db.execute("INSERT OR REPLACE INTO counter VALUES (?, ?)", (_SIZE, size))
    return size
