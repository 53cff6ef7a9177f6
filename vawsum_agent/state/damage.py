"""What to do with a store that can't be used: keep the damaged file, take the last copy, say what happened."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.durable import sync_directory
from vawsum_agent.core.errors import StateError
from vawsum_agent.state.mode import create_private
from vawsum_agent.state.schema import APPLICATION_ID

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

_BUSY_TIMEOUT_S = 10.0
_DISK_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE})


def copy_of(path: Path) -> Path:
    """Name the copy that is kept beside a store."""
    return path.with_name(f"{path.name}.copy")


def recover(path: Path, clock: Clock, *, was_in_use: bool) -> str | None:
    """Make sure that what stands at ``path`` can be opened: as it was, from its copy, or nothing.

    Where nothing is, that is a first start unless other traces tell that the store ``was_in_use``.

    Returns:
        What happened, for ``status`` and the journal; None when nothing was wrong.

    Raises:
        StateError: the file may not be read or written.
    """
    if path.exists():
        reason = _damage(path)
        if reason is None:
            return None
        kept_as = _move_aside(path, clock)
        reason = f"{reason}, kept as {kept_as}"
    elif was_in_use or copy_of(path).exists():
        reason = f"{path.name} was missing"
        for suffix in ("-wal", "-shm"):
            # Of the store that is gone; beside another file they would be taken for its own.
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    else:
        return None
    outcome = f"{reason}; {_restore(path)}"
    _log.error("state_recovered", path=str(path), reason=outcome)
    return outcome


def is_disk_full(exc: sqlite3.Error) -> bool:
    """Whether SQLite failed for want of space."""
    return exc.sqlite_errorcode in _DISK_FULL if hasattr(exc, "sqlite_errorcode") else "full" in str(exc)


def _restore(path: Path) -> str:
    copy = copy_of(path)
    if not copy.exists() or _damage(copy) is not None:
        return "begun anew"
    saved_at = rfc3339(copy.stat().st_mtime)
    temporary = path.with_name(f"{path.name}.restoring")
    create_private(temporary)
    shutil.copyfile(copy, temporary)
    # If we die before the rename, the store is missing and the next start comes here again.
    temporary.rename(path)
    sync_directory(path.parent)
    return f"restored from the copy of {saved_at}"


def _move_aside(path: Path, clock: Clock) -> str:
    kept_as = f"{path.name}.damaged-{int(clock.now())}"
    # The write-ahead log first: if we die in between, what is left is damaged still and moved aside by the next start.
    for suffix in ("-wal", "-shm", ""):
        damaged = path.with_name(path.name + suffix)
        if damaged.exists():
            damaged.rename(path.with_name(kept_as + suffix))
    return kept_as


def _damage(path: Path) -> str | None:
    """Say what is wrong with the file, or None. An empty file is damage: ours is never empty after its first open."""
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        raise StateError(f"{path} can't be read and written", hint="check its owner and mode")
    if path.stat().st_size == 0:
        return f"{path.name} was empty"
    try:
        # Read only: closing the last connection that may write removes the write-ahead log, whose space a full disk
        # would not give back.
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_BUSY_TIMEOUT_S)
        with contextlib.closing(connection):
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as exc:
        # Locked, or no room for the write-ahead log: not damage, and opening will say so or get past it.
        return None if is_disk_full(exc) or "locked" in str(exc) else f"{path.name} was damaged ({exc})"
    except sqlite3.DatabaseError as exc:
        return f"{path.name} was damaged ({exc})"
    if tables and application != APPLICATION_ID:
        return f"{path.name} was not this agent's"
    return None if verdict == "ok" else f"{path.name} was damaged ({verdict})"
