"""Who may read what the store writes: its owner and its group, from the first moment of each file on."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o640


def create_private(path: Path) -> None:
    """Make sure that a file is there; a new one is empty and closed to others. Raises OSError."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, _MODE))


def keep_private(store: Path) -> None:
    """Close a store and what SQLite keeps beside it to others; nothing where it is not ours to close."""
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            path = store.with_name(store.name + suffix)
            mode = path.stat().st_mode & 0o777
            if mode & ~_MODE:
                path.chmod(mode & _MODE)
