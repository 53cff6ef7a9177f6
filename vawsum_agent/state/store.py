"""Opening the store and writing to it: migrations, damage, a full disk. What rows mean is other modules' business.

Every write goes through `Store.write`, one transaction each. ``synchronous=NORMAL`` in WAL mode survives ``kill -9``
whole; a power cut may lose the last commits, which repeats work and never skips any (sqlite.org/pragma.html).
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import orjson
import structlog

from vawsum_agent.core.durable import replace_durably
from vawsum_agent.core.errors import StateError
from vawsum_agent.state.damage import copy_of, is_disk_full, recover
from vawsum_agent.state.mode import create_private, keep_private
from vawsum_agent.state.reserve import Reserve
from vawsum_agent.state.schema import APPLICATION_ID, MIGRATIONS, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

T = TypeVar("T")

_BUSY_TIMEOUT_S = 10.0
_WAL_PAGES = 256
_SPARE_PAGES = 256
_COPY_EVERY_S = 60.0
_COPY_RESTS = 200
"""Times as long as a copy took comes none: what waits in an outage may make gigabytes of it, and writes wait for it."""
_PAGE_BYTES = 4096


class Store:
    """One open SQLite file. Safe to share between threads; a write is one transaction under one lock.

    Attributes:
        boot_id: of the machine, as the kernel names this boot.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, clock: Clock, reserve: Reserve) -> None:
        self._connection = connection
        self._path = path
        self._clock = clock
        self._reserve = reserve
        self._lock = threading.RLock()
        self.rebuilt_because: str | None = None
        self.may_lag = False
        self.opened_at = clock.now()
        self.boot_id = _boot_id()
        self._writes = 0
        self._copied_writes = -1
        self._copied_at = float("-inf")
        self._copy_every_s = _COPY_EVERY_S

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Store:
        """Open the store, creating it when missing and moving a damaged one aside.

        After damage it is restored from its copy, or begins empty, and `rebuilt_because` says so, for ``status`` to
        repeat. ``may_lag`` says that more was done than the store knows: after damage, and after a power cut.

        Raises:
            StateError: the folder can't be written, or the file is from a newer version of the agent; neither
                gets better by trying again.
        """
        reserve = Reserve(path.with_name("state.reserve"))
        _prepare_folder(path.parent)
        keep_private(path)
        rebuilt_because = recover(path, clock, was_in_use=reserve.was_held())
        is_first_start = not path.exists() and rebuilt_because is None
        try:
            connection = _open_on_any_disk(path, reserve)
        except sqlite3.Error as exc:
            raise _unusable(path, exc) from exc
        store = cls(connection, path, clock, reserve)
        if is_first_start:
            _log.info("state_begun", path=str(path))
        store.rebuilt_because = rebuilt_because
        reserve.look(clock.monotonic())
        store.may_lag = rebuilt_because is not None or store._begin_boot()
        return store

    @property
    def is_disk_full(self) -> bool:
        """Whether there is no space to speak of; writes go on, on what is set aside."""
        return self._reserve.is_disk_full

    def read(self, sql: str, parameters: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        """Run one query. Raises StateError."""
        with self._lock:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except sqlite3.Error as exc:
                raise _unusable(self._path, exc) from exc

    def write(self, transaction: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``transaction`` inside BEGIN IMMEDIATE … COMMIT; all of it happens or nothing.

        On a full disk the reserve is given up, bit by bit, and the transaction tried again.

        Raises:
            StateError: it did not happen. Trying again helps when the disk was full.
        """
        with self._lock:
            self._reserve.look(self._clock.monotonic())
            while True:
                try:
                    return self._attempt(transaction)
                except sqlite3.Error as exc:
                    if not is_disk_full(exc) or not self._reserve.give_up():
                        raise _unusable(self._path, exc) from exc

    def _attempt(self, transaction: Callable[[sqlite3.Connection], T]) -> T:
        self._connection.execute("BEGIN IMMEDIATE")
        self._writes += 1
        try:
            result = transaction(self._connection)
            # If we die before the commit returns, the write-ahead log holds no commit record and nothing happened.
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        return result

    def recover_reserve(self) -> None:
        """Note a full disk, or set the reserve aside again; called now and then by whoever reports ``status``."""
        with self._lock:
            self._reserve.look(self._clock.monotonic())

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
        with self._lock:
            self.write(lambda db: db.execute("INSERT OR REPLACE INTO snapshot VALUES (1, ?, ?)", row))
            self._writes -= 1  # not worth a copy

    def save_copy(self, *, is_last: bool = False) -> None:
        """Keep a copy beside the file, for `damage.recover`: every minute in which something changed, and at the end.

        A large store is copied less often.

        Raises:
            StateError: the copy is as old as it was.
        """
        copy = copy_of(self._path)
        temporary = copy.with_name(f"{copy.name}.tmp")
        with self._lock:
            began = self._clock.monotonic()
            is_fresh = began - self._copied_at < self._copy_every_s and not is_last
            if is_fresh or self._writes == self._copied_writes or self.is_disk_full:
                return
            temporary.unlink(missing_ok=True)
            try:
                create_private(temporary)  # SQLite takes an empty file for none, and keeps its mode
                self._connection.execute("VACUUM INTO ?", (str(temporary),))
                self._copied_writes, self._copied_at = self._writes, self._clock.monotonic()
            except (sqlite3.Error, OSError) as exc:
                temporary.unlink(missing_ok=True)
                raise _unusable(copy, exc) from exc
        # If we die before the rename, the older copy is still whole.
        replace_durably(temporary, copy)
        self._copy_every_s = max(_COPY_EVERY_S, (self._clock.monotonic() - began) * _COPY_RESTS)

    def _begin_boot(self) -> bool:
        """Note that the store is in use in this boot of the machine; True when its last commits may be missing.

        ``synchronous=NORMAL`` loses commits only where the machine went down, which is another boot than the last
        and no close in between. The note itself must not get lost, hence FULL.
        """
        rows = self.read("SELECT boot_id, was_closed FROM boot")
        self._connection.execute("PRAGMA synchronous = FULL")
        self.write(lambda db: db.execute("INSERT OR REPLACE INTO boot VALUES (1, ?, 0)", (self.boot_id,)))
        self._connection.execute("PRAGMA synchronous = NORMAL")
        return bool(rows) and not rows[0]["was_closed"] and rows[0]["boot_id"] != self.boot_id

    def close(self) -> None:
        """Close the file in order. Idempotent."""
        with self._lock, contextlib.suppress(sqlite3.Error, StateError):
            self._connection.execute("PRAGMA synchronous = FULL")
            self.write(lambda db: db.execute("UPDATE boot SET was_closed = 1"))
            self.save_copy(is_last=True)
            if not self.is_disk_full:
                # Closing removes the write-ahead log, whose space a full disk would not give back to the next start.
                self._connection.close()


def add_to_counter(db: sqlite3.Connection, name: str, by: int) -> None:
    """Add to a counter inside a transaction of the caller's."""
    db.execute(
        "INSERT INTO counter VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value", (name, by)
    )


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as exc:
        message = f"can't create {folder}: {exc.strerror}"
        raise StateError(message, hint="check agent.state_dir and who owns it") from exc


def _open(path: Path) -> sqlite3.Connection:
    # SQLite gives the write-ahead log and its index the mode that the file has when it first opens it. Where it can't
    # be made, SQLite says why.
    with contextlib.suppress(OSError):
        create_private(path)
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
    return connection


def _open_on_any_disk(path: Path, reserve: Reserve) -> sqlite3.Connection:
    while True:
        try:
            return _open(path)
        except sqlite3.OperationalError as exc:
            if not is_disk_full(exc) or not reserve.give_up():
                raise


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
    try:
        connection.execute("CREATE TABLE spare (filler BLOB)")
        connection.execute("INSERT INTO spare VALUES (zeroblob(?))", (_SPARE_PAGES * _PAGE_BYTES,))
        connection.execute("DROP TABLE spare")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as exc:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if not is_disk_full(exc):
            raise


def _unusable(path: Path, exc: sqlite3.Error | OSError) -> StateError:
    return StateError(f"{path}: {exc}", hint="check the disk and the file's owner; moving the file away starts anew")
