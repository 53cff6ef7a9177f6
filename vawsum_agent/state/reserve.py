"""Disk space set aside beside the store, given up when the disk is full, so that the journal can go on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from pathlib import Path

_log = structlog.get_logger()

SIZE_BYTES = 8 << 20
_HEADROOM_BYTES = 32 << 20
_LEAST_BYTES = 1 << 20
_STEP_BYTES = 1 << 20
_LARGEST_SHARE = 8
"""On a small disk no more than such a part is set aside."""
_SMALL_SHARE = 64
"""And it is full when less than such a part of it is left."""
_LOOK_EVERY_S = 1.0


class Reserve:
    """A file whose only use is its size, and whether the disk it stands on is full. Guarded by the store's lock.

    Attributes:
        is_disk_full: whether there is no space to speak of, and since then not enough to set aside again.
    """

    def __init__(self, path: Path) -> None:
        self.is_disk_full = False
        self._path = path
        self._looked_at = float("-inf")

    def was_held(self) -> bool:
        """Whether there is a file, of whatever size: an agent was at work here."""
        return self._path.exists()

    def look(self, now: float) -> None:
        """See now and then how the disk is, and set the space aside when there is room. ``now`` is monotonic.

        Waiting for a write to fail would not do: the store's own free pages let it go on for long on a full disk.
        """
        if now - self._looked_at < _LOOK_EVERY_S:
            return
        self._looked_at = now
        total, _, free = shutil.disk_usage(self._path.parent)
        if free < min(_LEAST_BYTES, total // _SMALL_SHARE):
            self._note_full()
        elif self._hold(total, free) and self.is_disk_full:
            self.is_disk_full = False
            _log.info("disk_recovered", path=str(self._path.parent))

    def give_up(self) -> bool:
        """Give part of the space up, since a write failed for want of it. False when there was none left to give.

        Not all at once: whoever filled the disk takes what comes free as well, and needs are small.
        """
        self._note_full()
        left = self._held_bytes()
        if left:
            os.truncate(self._path, max(0, left - _STEP_BYTES))
        return left > 0

    def _note_full(self) -> None:
        if not self.is_disk_full:
            self.is_disk_full = True
            _log.warning("disk_full", path=str(self._path.parent))

    def _hold(self, total: int, free: int) -> bool:
        """Set the space aside once the disk has clearly more than that free. True when it is held."""
        size = min(SIZE_BYTES, total // _LARGEST_SHARE)
        if self._held_bytes() >= size:
            return True
        if free < size + min(_HEADROOM_BYTES, total // _LARGEST_SHARE):
            return False
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _held_bytes(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0
