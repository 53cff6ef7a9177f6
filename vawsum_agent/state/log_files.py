"""Checkpoints of followed log files, and the byte ledger that goes with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import orjson

from vawsum_agent.state.log_records import NO_MARKER, FileRecord, Fingerprint, Marker

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from vawsum_agent.state.store import Store

Dropped = dict[str, int]
"""Bytes that were not delivered, by reason."""


class LogFiles:
    """The rows of followed files. ``forgotten`` is told of each that is removed."""

    def __init__(self, store: Store, forgotten: Callable[[int], None] | None = None) -> None:
        self._store = store
        self._forgotten = forgotten

    def of_source(self, source: str) -> list[FileRecord]:
        """Read all generations known to a source, oldest first. Raises StateError."""
        return [
            _record(row)
            for row in self._store.read("SELECT * FROM log_file WHERE source = ? ORDER BY file_id", (source,))
        ]

    def sources(self) -> set[str]:
        """Name the sources that have rows, configured today or not. Raises StateError."""
        return {row["source"] for row in self._store.read("SELECT DISTINCT source FROM log_file")}

    def add(
        self,
        *,
        source: str,
        path: str,
        fingerprint: Fingerprint,
        start_offset: int,
        initial_size: int,
        modified_at: float,
    ) -> FileRecord:
        """Begin a generation, with its checkpoint at ``start_offset``. Raises StateError."""
        values = (
            source,
            _stored_path(path),
            *_columns(fingerprint),
            start_offset,
            start_offset,
            NO_MARKER.length,
            NO_MARKER.digest,
            initial_size,
            modified_at,
        )

        def insert(db: sqlite3.Connection) -> int:
            cursor = db.execute(
                "INSERT INTO log_file (source, path, device, inode, head_length, head_digest, start_offset, checkpoint,"
                " marker_length, marker_digest, initial_size, modified_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                values,
            )
            return int(cursor.lastrowid or 0)

        file_id = self._store.write(insert)
        return FileRecord(
            file_id, source, path, fingerprint, start_offset, start_offset, NO_MARKER, initial_size, modified_at
        )

    def update(
        self,
        file_id: int,
        *,
        fingerprint: Fingerprint | None = None,
        modified_at: float | None = None,
        is_finished: bool | None = None,
    ) -> None:
        """Change what is known of a generation, all given fields at once. Raises StateError."""
        changes: dict[str, object] = {}
        if fingerprint is not None:
            changes |= dict(zip(("device", "inode", "head_length", "head_digest"), _columns(fingerprint), strict=True))
        if modified_at is not None:
            changes["modified_at"] = modified_at
        if is_finished is not None:
            changes["is_finished"] = int(is_finished)
        if changes:
            assignments = ", ".join(f"{column} = ?" for column in changes)
            statement = f"UPDATE log_file SET {assignments} WHERE file_id = ?"  # noqa: S608 - our own column names
            self._store.write(lambda db: db.execute(statement, (*changes.values(), file_id)))

    def remove(self, file_id: int) -> None:
        """Forget a generation; its ledger is folded into the total of its source. Raises StateError."""

        def fold(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT * FROM log_file WHERE file_id = ?", (file_id,)).fetchone()
            if row is None:
                return
            record = _record(row)
            total = db.execute("SELECT * FROM log_folded WHERE source = ?", (record.source,)).fetchone()
            files, accepted, dropped = (total[1], total[2], orjson.loads(total[3])) if total else (0, 0, {})
            db.execute(
                "INSERT OR REPLACE INTO log_folded VALUES (?, ?, ?, ?)",
                (
                    record.source,
                    files + 1,
                    accepted + record.accepted_bytes,
                    orjson.dumps(sum_dropped(dropped, record.dropped_bytes)).decode(),
                ),
            )
            db.execute("DELETE FROM log_file WHERE file_id = ?", (file_id,))
            db.execute("DELETE FROM log_batch WHERE file_id = ?", (file_id,))

        self._store.write(fold)
        if self._forgotten is not None:
            self._forgotten(file_id)

    def folded(self) -> dict[str, dict[str, object]]:
        """Read the totals of forgotten generations, by source."""
        return {
            row["source"]: {
                "files": row["files"],
                "accepted_bytes": row["accepted_bytes"],
                "dropped_by_reason": orjson.loads(row["dropped_bytes"]),
            }
            for row in self._store.read("SELECT * FROM log_folded")
        }

    def folded_dropped_bytes(self) -> int:
        """Sum up what was dropped of forgotten generations."""
        rows = self._store.read("SELECT dropped_bytes FROM log_folded")
        return sum(sum(orjson.loads(row["dropped_bytes"]).values()) for row in rows)

    def book_loss(self, file_id: int, reason: str, length: int) -> None:
        """Count bytes that were gone before anybody read them; the checkpoint stays. Raises StateError."""
        self._store.write(lambda db: add_dropped(db, file_id, reason, length))


def advance(
    db: sqlite3.Connection,
    file_id: int,
    *,
    offset: int,
    marker: Marker,
    accepted_bytes: int,
    dropped: Mapping[str, int],
) -> None:
    """Move a checkpoint, inside a transaction of the caller's, and book what lay before it."""
    db.execute(
        "UPDATE log_file SET checkpoint = ?, marker_length = ?, marker_digest = ?,"
        " accepted_bytes = accepted_bytes + ? WHERE file_id = ?",
        (offset, marker.length, marker.digest, accepted_bytes, file_id),
    )
    for reason, length in dropped.items():
        add_dropped(db, file_id, reason, length)


def add_dropped(db: sqlite3.Connection, file_id: int, reason: str, length: int) -> None:
    """Count bytes of a file that are not delivered, inside a transaction of the caller's."""
    row = db.execute("SELECT dropped_bytes FROM log_file WHERE file_id = ?", (file_id,)).fetchone()
    if row is not None:
        dropped = orjson.dumps(sum_dropped(orjson.loads(row[0]), {reason: length})).decode()
        db.execute("UPDATE log_file SET dropped_bytes = ? WHERE file_id = ?", (dropped, file_id))


def sum_dropped(one: Mapping[str, int], other: Mapping[str, int]) -> Dropped:
    """Add two ledgers of dropped bytes, reason by reason."""
    return {reason: one.get(reason, 0) + other.get(reason, 0) for reason in (*one, *(r for r in other if r not in one))}


def _columns(fingerprint: Fingerprint) -> tuple[int, int, int, str]:
    # SQLite integers are signed; device and inode numbers are unsigned 64-bit.
    return (
        _signed(fingerprint.device),
        _signed(fingerprint.inode),
        fingerprint.head_length,
        fingerprint.head_digest,
    )


def _record(row: sqlite3.Row) -> FileRecord:
    return FileRecord(
        file_id=row["file_id"],
        source=row["source"],
        path=os.fsdecode(row["path"]),
        fingerprint=Fingerprint(
            _unsigned(row["device"]), _unsigned(row["inode"]), row["head_length"], row["head_digest"]
        ),
        start_offset=row["start_offset"],
        offset=row["checkpoint"],
        marker=Marker(row["marker_length"], row["marker_digest"]),
        initial_size=row["initial_size"],
        modified_at=row["modified_at"],
        is_finished=bool(row["is_finished"]),
        accepted_bytes=row["accepted_bytes"],
        dropped_bytes=orjson.loads(row["dropped_bytes"]),
    )


_SIGN = 1 << 63


def _signed(number: int) -> int:
    return number - 2 * _SIGN if number >= _SIGN else number


def _unsigned(number: int) -> int:
    return number + 2 * _SIGN if number < 0 else number


def _stored_path(path: str) -> str | bytes:
    """A name that is no valid UTF-8 (surrogates, as os.fsdecode makes them) is stored as its bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path
