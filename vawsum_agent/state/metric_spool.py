"""The spool of metrics: rounds of the open period, then sealed chunks that wait until CloudWatch has accepted them.

Every change that belongs together is one transaction, so after a crash each reading is in a round or in a chunk, never
in both and never in none. What is published twice is only a chunk whose request had no answer: it is marked before it
is sent.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from vawsum_agent.core.errors import StateError
from vawsum_agent.state.request_tallies import DROPPED_TALLIES
from vawsum_agent.state.store import add_to_counter

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from vawsum_agent.state.store import Store

_T = TypeVar("_T")

SPOOLED = "metric_data_spooled"
ACCEPTED = "metric_data_accepted"
RESENT = "metric_data_resent"
DROPPED = "metric_data_dropped_"
"""Followed by the reason."""

OTHER_INSTANCE = "other_instance"
REASONS = ("spool_full", "too_old", "too_new", "refused", OTHER_INSTANCE)
_ROW_BYTES = 64
"""What a row costs besides its body."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round; see `MetricSpool.round_body`."""

    round_id: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Data of one period, not too many for one request.

    Attributes:
        period_ms: when the period began, the timestamp of all of them.
        data_count: how many data.
        open_attempts: how many requests with it were begun and have no known end.
    """

    period_ms: int
    data_count: int
    body: bytes
    chunk_id: int = 0
    open_attempts: int = 0


class Waiting(NamedTuple):
    """What is in the spool: data that are not accepted yet."""

    chunk_count: int
    data_count: int
    size_bytes: int


class MetricSpool:
    """The rows of metrics. Every method is one transaction and raises StateError when it did not happen.

    Attributes:
        waiting: kept beside the store, where summing up an outage of days takes a while.
    """

    def __init__(self, store: Store, limit_bytes: int) -> None:
        self._store = store
        self._limit_bytes = limit_bytes
        row = store.read(
            "SELECT count(*), coalesce(sum(data_count), 0), coalesce(sum(length(body)), 0) FROM metric_chunk"
        )[0]
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._is_closed = False
        self.waiting = Waiting(row[0], row[1], row[2] + row[0] * _ROW_BYTES)

    def close(self) -> None:
        """Let nothing through any more: a thread that was left behind must not mix with those in its place."""
        with self._writing:
            self._is_closed = True

    def _write(self, change: Callable[[sqlite3.Connection], _T]) -> _T:
        with self._writing:
            if self._is_closed:
                message = "the spool of metrics is another's by now"
                raise StateError(message, hint="nothing is lost: what was under way is done again")
            return self._store.write(change)

    def _changed(self, added: Sequence[Chunk], removed: Sequence[Chunk]) -> None:
        with self._lock:
            before = self.waiting
            self.waiting = Waiting(
                before.chunk_count + len(added) - len(removed),
                before.data_count + _data(added) - _data(removed),
                before.size_bytes + _size(added) - _size(removed),
            )

    def add_round(self, at_ms: int, body: bytes, baseline: bytes) -> None:
        """Keep what a round read, and with it the totals that the next round's increases are counted from."""

        def add(db: sqlite3.Connection) -> None:
            db.execute("INSERT INTO metric_round (at_ms, body) VALUES (?, ?)", (at_ms, body))
            db.execute("INSERT OR REPLACE INTO metric_baseline VALUES (1, ?)", (baseline,))

        # If we die before this, the round is missing and its increases are in the next one: none is lost.
        self._write(add)

    def baseline(self) -> bytes | None:
        """Read the totals of the last round; None before the first."""
        rows = self._store.read("SELECT body FROM metric_baseline")
        return bytes(rows[0]["body"]) if rows else None

    def rounds(self) -> list[Round]:
        """List the rounds that are in no chunk yet, in the order they were taken."""
        rows = self._store.read("SELECT round_id, at_ms FROM metric_round ORDER BY round_id")
        return [Round(row["round_id"], row["at_ms"]) for row in rows]

    def round_body(self, round_id: int) -> bytes:
        """Read what a round read, as its writer put it."""
        return bytes(self._store.read("SELECT body FROM metric_round WHERE round_id = ?", (round_id,))[0]["body"])

    def seal(
        self,
        chunks: Sequence[Chunk],
        round_ids: Iterable[int],
        forget_tallies: Callable[[sqlite3.Connection], None],
    ) -> int:
        """Put chunks in the place of the rounds and tallies they were made of; returns the data that had no room."""
        too_many = self.waiting.size_bytes + _size(chunks) - self._limit_bytes

        def put(db: sqlite3.Connection) -> list[Chunk]:
            _insert(db, chunks)
            db.executemany("DELETE FROM metric_round WHERE round_id = ?", [(round_id,) for round_id in round_ids])
            forget_tallies(db)
            add_to_counter(db, SPOOLED, _data(chunks))
            return _drop_oldest(db, too_many) if too_many > 0 else []

        # If we die before this, the rounds are still there and the next start seals them.
        dropped = self._write(put)
        self._changed(chunks, dropped)
        return _data(dropped)

    def chunks(self, first_ms: int, end_ms: int, limit: int) -> list[Chunk]:
        """Read what waits of the periods from ``first_ms`` on and before ``end_ms``, oldest first."""
        rows = self._store.read(
            "SELECT * FROM metric_chunk WHERE period_ms >= ? AND period_ms < ? ORDER BY period_ms, chunk_id LIMIT ?",
            (first_ms, end_ms, limit),
        )
        return [_chunk(row) for row in rows]

    def begin(self, chunks: Sequence[Chunk]) -> None:
        """Write down that a request with these is about to be sent.

        What an earlier one without an end held is counted, each datum once: perhaps it is there twice, or once more for
        each further request without an end that held it.
        """
        again = _data([chunk for chunk in chunks if chunk.open_attempts == 1])

        def mark(db: sqlite3.Connection) -> None:
            _mark(db, chunks, by=1)
            if again:
                add_to_counter(db, RESENT, again)

        # If we die after this, the next start sends them again and counts them: perhaps CloudWatch has them twice.
        self._write(mark)

    def not_done(self, chunks: Sequence[Chunk]) -> None:
        """Write down that CloudWatch refused the request for now: it holds nothing of it."""
        self._write(lambda db: _mark(db, chunks, by=-1))

    def accepted(self, chunks: Sequence[Chunk]) -> None:
        """Forget what CloudWatch has."""
        # If we die before this, they stay marked: see `begin`.
        self._forget(chunks, ACCEPTED)

    def drop(self, chunks: Sequence[Chunk], reason: str) -> None:
        """Give up what CloudWatch will never take."""
        self._forget(chunks, DROPPED + reason)

    def _forget(self, chunks: Sequence[Chunk], counter: str) -> None:
        def forget(db: sqlite3.Connection) -> list[Chunk]:
            # A component that was replaced amid a request may come to its end beside the one in its place.
            gone = [chunk for chunk in chunks if _delete(db, [chunk])]
            add_to_counter(db, counter, _data(gone))
            return gone

        self._changed((), self._write(forget))

    def divide(self, chunk: Chunk, parts: Sequence[Chunk]) -> list[int]:
        """Put parts in the place of a chunk that was refused, to find what is wrong with it; returns their ids."""

        def put(db: sqlite3.Connection) -> list[int]:
            _delete(db, [chunk])
            return _insert(db, parts)

        ids = self._write(put)
        self._changed(parts, [chunk])
        return ids

    def counters(self) -> dict[str, int]:
        """Read the ledger: what was ever spooled, accepted, sent again, and dropped by reason; tallies dropped, too."""
        names = (SPOOLED, ACCEPTED, RESENT, *(DROPPED + reason for reason in REASONS), DROPPED_TALLIES)
        return {name: self._store.counter(name) for name in names}


def drop_everything(db: sqlite3.Connection, reason: str) -> tuple[int, int]:
    """Give up all chunks and rounds, inside a transaction of the caller's; returns how many data and rounds."""
    (data_count,) = db.execute("SELECT coalesce(sum(data_count), 0) FROM metric_chunk").fetchone()
    db.execute("DELETE FROM metric_chunk")
    round_count = db.execute("DELETE FROM metric_round").rowcount
    db.execute("DELETE FROM metric_baseline")
    add_to_counter(db, DROPPED + reason, data_count)
    return data_count, round_count


def _data(chunks: Sequence[Chunk]) -> int:
    return sum(chunk.data_count for chunk in chunks)


def _size(chunks: Sequence[Chunk]) -> int:
    return sum(len(chunk.body) + _ROW_BYTES for chunk in chunks)


def _chunk(row: sqlite3.Row) -> Chunk:
    return Chunk(row["period_ms"], row["data_count"], row["body"], row["chunk_id"], row["open_attempts"])


def _insert(db: sqlite3.Connection, chunks: Iterable[Chunk]) -> list[int]:
    sql = "INSERT INTO metric_chunk (period_ms, data_count, body) VALUES (?, ?, ?)"
    return [db.execute(sql, (chunk.period_ms, chunk.data_count, chunk.body)).lastrowid or 0 for chunk in chunks]


def _mark(db: sqlite3.Connection, chunks: Sequence[Chunk], *, by: int) -> None:
    db.executemany(
        "UPDATE metric_chunk SET open_attempts = open_attempts + ? WHERE chunk_id = ?",
        [(by, chunk.chunk_id) for chunk in chunks],
    )


def _delete(db: sqlite3.Connection, chunks: Iterable[Chunk]) -> int:
    """Remove rows; returns how many were there."""
    ids = [(chunk.chunk_id,) for chunk in chunks]
    return db.executemany("DELETE FROM metric_chunk WHERE chunk_id = ?", ids).rowcount


def _drop_oldest(db: sqlite3.Connection, too_many_bytes: int) -> list[Chunk]:
    """Make room for what is newer: what is oldest goes, and is counted."""
    gone: list[Chunk] = []
    for row in db.execute("SELECT * FROM metric_chunk ORDER BY period_ms, chunk_id"):
        if too_many_bytes <= 0:
            break
        gone.append(_chunk(row))
        too_many_bytes -= _size(gone[-1:])
    _delete(db, gone)
    add_to_counter(db, DROPPED + "spool_full", _data(gone))
    return gone
