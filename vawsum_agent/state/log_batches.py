"""The journal of batches: what is on its way to CloudWatch, and what of it is known to have arrived.

A batch is recorded before its first request is sent. Accepted ones that an earlier batch still holds back stay until
the checkpoint has passed them; the last few of a stream stay a little longer, so that identical lines of
neighbouring batches can be told apart when a stream is asked what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.state.log_files import advance
from vawsum_agent.state.log_records import Marker
from vawsum_agent.state.request_tallies import add_tallies

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from vawsum_agent.state.store import Store

_log = structlog.get_logger()

_REMEMBERED = 16
_FORGOTTEN_AT_ONCE = 8
"""Looking for what can be forgotten is as dear as all the rest of booking a batch."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as the journal knows it: where its bytes are, how they were laid out, and where they went.

    Attributes:
        digest: of the texts as sent; a batch composed again must have the same.
        first_ms, last_ms: span of the times sent; None when nothing of it is sent.
        marker: over the bytes before ``end``.
        recorded_at: when it was last about to be sent, seconds since the epoch.
        is_divided: whether parts of its requests were sent by themselves.
    """

    file_id: int
    group: str
    stream: str
    start: int
    end: int
    first_ms: int | None
    last_ms: int | None
    layout: bytes
    digest: str
    marker: Marker
    recorded_at: float
    batch_id: int = 0
    is_accepted: bool = False
    is_divided: bool = False


class LogBatches:
    """The rows of batches. Every method is one transaction and raises StateError when it did not happen."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_dropping_told = False

    def record(self, batch: BatchRecord) -> int:
        """Write down that a batch is about to be sent; returns its id."""
        values = (
            batch.file_id,
            batch.group,
            batch.stream,
            batch.start,
            batch.end,
            batch.first_ms,
            batch.last_ms,
            batch.layout,
            batch.digest,
            batch.marker.length,
            batch.marker.digest,
            batch.recorded_at,
        )

        def insert(db: sqlite3.Connection) -> int:
            cursor = db.execute(
                "INSERT INTO log_batch (file_id, log_group, log_stream, start_offset, end_offset, first_ms, last_ms,"
                " layout, digest, marker_length, marker_digest, outcome, recorded_at)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,'sent',?)",
                values,
            )
            return int(cursor.lastrowid or 0)

        return self._store.write(insert)

    def record_attempt(self, batch_id: int, at: float) -> None:
        """Write down that a batch is about to be sent once more."""
        self._store.write(
            lambda db: db.execute("UPDATE log_batch SET recorded_at = ? WHERE batch_id = ?", (at, batch_id))
        )

    def record_division(self, batch_id: int) -> None:
        """Write down that the events of a refused request are about to be sent in parts."""
        self._store.write(
            lambda db: db.execute("UPDATE log_batch SET outcome = 'divided' WHERE batch_id = ?", (batch_id,))
        )

    def discard(self, batch_id: int) -> None:
        """Forget a batch that provably did not arrive; its bytes will be read again."""
        self._store.write(lambda db: db.execute("DELETE FROM log_batch WHERE batch_id = ?", (batch_id,)))

    def accept(
        self,
        batch_id: int,
        accepted_bytes: int,
        dropped: Mapping[str, int],
        tallies: Sequence[tuple[int, bytes]] = (),
    ) -> int:
        """Book a batch as settled and move the checkpoint of its file over all that is settled without a gap.

        Args:
            batch_id: the batch.
            accepted_bytes: what CloudWatch took of it.
            dropped: what not, by reason.
            tallies: of the requests in it; see `add_tallies`.

        Returns:
            The checkpoint as it is then.
        """

        def settle(db: sqlite3.Connection) -> tuple[int, int]:
            row = db.execute(
                "SELECT b.file_id, log_group, log_stream, f.checkpoint, f.marker_length, f.marker_digest"
                " FROM log_batch b JOIN log_file f USING (file_id) WHERE batch_id = ?",
                (batch_id,),
            ).fetchone()
            db.execute("UPDATE log_batch SET outcome = 'accepted' WHERE batch_id = ?", (batch_id,))
            offset, marker = _past_accepted(db, row)
            advance(
                db,
                row["file_id"],
                offset=offset,
                marker=marker,
                accepted_bytes=accepted_bytes,
                dropped=dropped,
            )
            # If we die before the commit, the batch is not booked either, and counts when it is.
            dropped_tallies = add_tallies(db, tallies) if tallies else 0
            if batch_id % _FORGOTTEN_AT_ONCE == 0:
                _forget_old(db, row["log_group"], row["log_stream"])
            return offset, dropped_tallies

        offset, dropped_tallies = self._store.write(settle)
        if dropped_tallies and not self._is_dropping_told:
            # Once: from now on each batch has no more room than its own.
            self._is_dropping_told = True
            _log.warning("request_tallies_dropped", tallies=dropped_tallies)
        return offset

    def of_file(self, file_id: int) -> list[BatchRecord]:
        """Read the batches of a file that lie beyond its checkpoint, in the order of the file."""
        rows = self._store.read(
            "SELECT b.* FROM log_batch b JOIN log_file f USING (file_id)"
            " WHERE b.file_id = ? AND b.end_offset > f.checkpoint ORDER BY b.start_offset",
            (file_id,),
        )
        return [_record(row) for row in rows]

    def accepted_between(self, group: str, stream: str, first_ms: int, last_ms: int) -> list[BatchRecord]:
        """Read the remembered accepted batches of a stream that touch a span of time."""
        rows = self._store.read(
            "SELECT * FROM log_batch WHERE log_group = ? AND log_stream = ? AND outcome = 'accepted'"
            " AND last_ms >= ? AND first_ms <= ?",
            (group, stream, first_ms, last_ms),
        )
        return [_record(row) for row in rows]


def _past_accepted(db: sqlite3.Connection, file: sqlite3.Row) -> tuple[int, Marker]:
    offset, marker = file["checkpoint"], Marker(file["marker_length"], file["marker_digest"])
    rows = db.execute(
        "SELECT end_offset, marker_length, marker_digest, start_offset FROM log_batch"
        " WHERE file_id = ? AND outcome = 'accepted' AND start_offset >= ? ORDER BY start_offset",
        (file["file_id"], offset),
    )
    for row in rows:
        if row["start_offset"] != offset:
            break
        offset, marker = row["end_offset"], Marker(row["marker_length"], row["marker_digest"])
    return offset, marker


def _forget_old(db: sqlite3.Connection, group: str, stream: str) -> None:
    db.execute(
        "DELETE FROM log_batch WHERE log_group = ? AND log_stream = ? AND outcome = 'accepted'"
        " AND batch_id < (SELECT min(batch_id) FROM (SELECT batch_id FROM log_batch WHERE log_group = ?"
        " AND log_stream = ? AND outcome = 'accepted' ORDER BY batch_id DESC LIMIT ?))"
        " AND end_offset <= (SELECT checkpoint FROM log_file f WHERE f.file_id = log_batch.file_id)",
        (group, stream, group, stream, _REMEMBERED),
    )


def _record(row: sqlite3.Row) -> BatchRecord:
    return BatchRecord(
        file_id=row["file_id"],
        group=row["log_group"],
        stream=row["log_stream"],
        start=row["start_offset"],
        end=row["end_offset"],
        first_ms=row["first_ms"],
        last_ms=row["last_ms"],
        layout=row["layout"],
        digest=row["digest"],
        marker=Marker(row["marker_length"], row["marker_digest"]),
        recorded_at=row["recorded_at"],
        batch_id=row["batch_id"],
        is_accepted=row["outcome"] == "accepted",
        is_divided=row["outcome"] == "divided",
    )
