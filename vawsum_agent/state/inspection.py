"""Looks at a store without opening it for use: nothing is moved, migrated or written."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from vawsum_agent.core.errors import StateError
from vawsum_agent.state.schema import APPLICATION_ID, VERSION

if TYPE_CHECKING:
    from pathlib import Path

_BUSY_TIMEOUT_S = 10.0


def inspect(path: Path) -> int:
    """Return the version of the store's schema.

    Raises:
        StateError: the next start can't use it as it is: damaged, not ours, from a newer agent, not readable.
    """
    try:
        with contextlib.closing(_connect(path)) as connection:
            application, version = (_pragma(connection, name) for name in ("application_id", "user_version"))
            verdict = _pragma(connection, "quick_check(1)")
    except sqlite3.OperationalError as exc:
        raise StateError(f"{path}: {exc}", hint="run this as root or as the daemon's user") from exc
    except sqlite3.DatabaseError as exc:
        raise _damaged(path, str(exc)) from exc
    if application != APPLICATION_ID or verdict != "ok":
        raise _damaged(path, "not this agent's" if application != APPLICATION_ID else str(verdict))
    if isinstance(version, int) and version > VERSION:
        message = f"{path}: is of schema {version}, this version knows {VERSION}"
        raise StateError(message, hint="install the newer agent again, or move the file away to start anew")
    return int(str(version))


def read_snapshot(path: Path) -> tuple[dict[str, object], float] | None:
    """Read the status that the daemon wrote down last, and when that was; None when there is none.

    Raises:
        StateError: the file exists and can't be read.
    """
    if not path.exists():
        return None
    try:
        with contextlib.closing(_connect(path)) as connection:
            row = connection.execute("SELECT body, saved_at FROM snapshot").fetchone()
    except sqlite3.Error as exc:
        hint = "check the disk and the file's owner; moving the file away starts anew"
        raise StateError(f"{path}: {exc}", hint=hint) from exc
    return (orjson.loads(row[0]), row[1]) if row else None


def _connect(path: Path) -> sqlite3.Connection:
    # Without a write-ahead log nobody has it open, and looking must not create one.
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=_BUSY_TIMEOUT_S)


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _damaged(path: Path, why: str) -> StateError:
    hint = "the next start moves it aside and takes the last copy, or begins anew; check the disk"
    return StateError(f"{path}: is damaged: {why}", hint=hint)
