"""Tallies of requests between the access logs they are counted in and the metrics they become.

They are written in the transaction that books their batch and removed in the one that puts metrics in their place: so
each is in exactly one of these, whenever the process dies. Rows are only added and removed, never changed.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from vawsum_agent.state.store import Store

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


def add_tallies(db: sqlite3.Connection, tallies: Iterable[tuple[int, bytes]]) -> None:
    """Keep tallies, each as its minute and its body, inside a transaction of the caller's."""
    db.executemany("INSERT INTO request_tally (minute_ms, body) VALUES (?, ?)", tallies)


def delete_tallies(db: sqlite3.Connection, tally_ids: Iterable[int]) -> None:
    """Forget tallies, inside a transaction of the caller's."""
    db.executemany("DELETE FROM request_tally WHERE tally_id = ?", [(tally_id,) for tally_id in tally_ids])
