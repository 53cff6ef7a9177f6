"""Opening the store and writing to it: migrations, damage, a full disk. What rows mean is other modules' business.

Every write goes through `Store.write`, one transaction each. ``synchronous=NORMAL`` in WAL mode survives ``kill -9``
whole; a power cut may lose the last commits, which repeats work and never skips any (sqlite.org/pragma.html).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, TypeVar

import orjson
import structlog

from vawsum_agent.core.errors import StateError
from vawsum_agent.state.reserve import Reserve
from vawsum_agent.state.schema import APPLICATION_ID, MIGRATIONS, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

T = TypeVar("T")

_BUSY_TIMEOUT_S = 10.0
_WAL_PAGES = 256
_SPARE_PAGES = 256
_PAGE_BYTES = 4096


class Store:
    """One open SQLite file. Safe to share between threads; a write is one transaction under one lock."""

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock, reserve: Reserve) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock
        self._reserve = reserve
        self._lock = threading.RLock()
        self.is_disk_full = False
        self.rebuilt_because: str | None = None

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Store:
        """Open the store, creating it when missing and moving a damaged one aside.

        After damage the store is new and empty and `rebuilt_because` says why, for ``status`` to repeat.

        Raises:
            StateError: the folder can't be written, or the file is from a newer version of the agent; neither
                gets better by trying again.
        """
        reserve = Reserve(path.with_name("state.reserve"))
        _prepare_folder(path.parent)
        rebuilt_because = _move_aside_if_damaged(path, clock)
        try:
            connection = _open(path)
        except sqlite3.OperationalError as exc:
            if not _is_disk_full(exc) or not reserve.release():
                raise _unusable(path, exc) from exc
            connection = _reopen(path)
        except sqlite3.DatabaseError as exc:
            raise _unusable(path, exc) from exc
        store = cls(connection, path, clock, reserve)
        store.rebuilt_because = rebuilt_because
        store.is_disk_full = not reserve.hold()
        return store

    def read(self, sql: str, parameters: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Run one query. Raises StateError."""
        with self._lock:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as exc:
                raise _unusable(self._path, exc) from exc

    def write(self, transaction: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``transaction`` inside BEGIN IMMEDIATE … COMMIT; all of it happens or nothing.

        On a full disk the reserve is given up and the transaction tried once more.

        Raises:
            StateError: it did not happen. Trying again helps when the disk was full.
        """
        with self._lock:
            try:
                return self._attempt(transaction)
            except sqlite3.Error as exc:
                if not _is_disk_full(exc):
                    raise _unusable(self._path, exc) from exc
                self._note_disk_full()
            try:
                return self._attempt(transaction)
            except sqlite3.Error as exc:
                raise _unusable(self._path, exc) from exc

    def _attempt(self, transaction: Callable[[sqlite3.Connection], T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = transaction(self._connection)
            # If we die before the commit returns, the write-ahead log holds no commit record and nothing happened.
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        return result

    def _note_disk_full(self) -> None:
        self._reserve.release()
        if not self.is_disk_full:
            self.is_disk_full = True
            _log.warning("disk_full", path=str(self._path))

    def recover_reserve(self) -> None:
        """Set the reserve aside again when the disk has room; called now and then by whoever reports ``status``."""
        if self.is_disk_full and self._reserve.hold():
            self.is_disk_full = False
            _log.info("disk_recovered", path=str(self._path))

    def count(self, name: str, by: int) -> None:
        """Add to a counter that lives across restarts."""
        self.write(lambda db: add_to_counter(db, name, by))

    def counter(self, name: str) -> int:
        """Read a counter; 0 when it was never counted."""
        rows = self.read("SELECT value FROM counter WHERE name = ?", (name,))
        return int(rows[0]["value"]) if rows else 0

    def save_snapshot(self, body: Mapping[str, object]) -> None:
        """Keep the daemon's status, for ``status`` to show when the daemon is down."""
        row = (self._clock.now(), orjson.dumps(body))
        self.write(lambda db: db.execute("INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?)", row))

    def close(self) -> None:
        """Close the file. Idempotent."""
        with self._lock:
            self._connection.close()


def read_snapshot(path: Path) -> tuple[dict[str, object], float] | None:
    """Read the last status of a daemon that is not running, and when it was saved; None when there is none.

    Raises:
        StateError: the file exists and can't be read.
    """
    if not path.exists():
        return None
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_TIMEOUT_S)
        with contextlib.closing(connection):
            row = connection.execute("SELECT body, saved_at FROM snapshot").fetchone()
    except sqlite3.Error as exc:
        raise _unusable(path, exc) from exc
    return (orjson.loads(row[0]), row[1]) if row else None


def add_to_counter(db: sqlite3.Connection, name: str, by: int) -> None:
    """Add to a counter inside a transaction of the caller's."""
    db.execute(
        "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value", (name, by)
    )


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as exc:
        message = f"can't create {folder}: {exc.strerror}"
        raise StateError(message, hint="check agent.state_dir and who owns it") from exc


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute("PRAGMA cache_size = -512")
        _migrate(connection, path)
        _set_pages_aside(connection)
    except BaseException:
        connection.close()
        raise
    path.chmod(0o640)
    return connection


def _reopen(path: Path) -> sqlite3.Connection:
    try:
        return _open(path)
    except sqlite3.Error as exc:
        raise _unusable(path, exc) from exc


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        message = f"{path} is of schema {version}, this version knows {VERSION}"
        raise StateError(message, hint="install the newer agent again, or move the file away to start anew")
    for number in range(version, VERSION):
        # If we die in between, user_version still names the last whole migration: each is one transaction.
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; {MIGRATIONS[number]}"
            f"PRAGMA user_version = {number + 1}; COMMIT;"
        )


def _set_pages_aside(connection: sqlite3.Connection) -> None:
    """Own free pages in the file and in its write-ahead log, so that the journal's next writes need no new blocks."""
    if connection.execute("PRAGMA freelist_count").fetchone()[0] >= _SPARE_PAGES // 2:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE spare (filler BLOB)")
    connection.execute("INSERT INTO spare VALUES (zeroblob(?))", (_SPARE_PAGES * _PAGE_BYTES,))
    connection.execute("DROP TABLE spare")
    connection.execute("COMMIT")


def _move_aside_if_damaged(path: Path, clock: Clock) -> str | None:
    if not path.exists():
        return None
    reason = _damage(path)
    if reason is None:
        return None
    stamp = int(clock.now())
    for suffix in ("", "-wal", "-shm"):
        damaged = path.with_name(path.name + suffix)
        if damaged.exists():
            damaged.rename(path.with_name(f"{path.name}.damaged-{stamp}{suffix}"))
    _log.error("state_moved_aside", path=str(path), reason=reason, kept_as=f"{path.name}.damaged-{stamp}")
    return f"{reason}; the old file is kept as {path.name}.damaged-{stamp}"


def _damage(path: Path) -> str | None:
    """Say what is wrong with the file, or None. An empty file is damage: ours is never empty after its first open."""
    if path.stat().st_size == 0:
        return f"{path.name} was empty"
    if not os.access(path, os.R_OK | os.W_OK):
        message = f"{path} can't be read and written"
        raise StateError(message, hint="check its owner and mode")
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)
        with contextlib.closing(connection):
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as exc:
        # Locked, or no room for the write-ahead log: not damage, and opening will say so or get past it.
        return None if _is_disk_full(exc) or "locked" in str(exc) else f"{path.name} was damaged: {exc}"
    except sqlite3.DatabaseError as exc:
        return f"{path.name} was damaged: {exc}"
    if tables and application != APPLICATION_ID:
        return f"{path.name} was not this agent's"
    return None if verdict == "ok" else f"{path.name} was damaged: {verdict}"


def _is_disk_full(exc: sqlite3.Error) -> bool:
    return exc.sqlite_errorcode in _DISK_FULL_CODES if hasattr(exc, "sqlite_errorcode") else "full" in str(exc)


_DISK_FULL_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})


def _unusable(path: Path, exc: sqlite3.Error) -> StateError:
    return StateError(f"{path}: {exc}", hint="check the disk and the file's owner; moving the file away starts anew")
