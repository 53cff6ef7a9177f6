"""A file whose only use is its size: given up when the disk is full, so that the journal can go on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SIZE_BYTES = 8 << 20
_HEADROOM_BYTES = 32 << 20


class Reserve:
    """Disk space set aside beside the store."""

    def __init__(self, path: Path, size_bytes: int = SIZE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def is_held(self) -> bool:
        """Whether the space is set aside now."""
        return self._path.exists()

    def release(self) -> bool:
        """Give the space up. False when there was none left to give."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True

    def hold(self) -> bool:
        """Set the space aside again once the disk has clearly more than that free. True when it is held."""
        if self.is_held():
            return True
        if shutil.disk_usage(self._path.parent).free < self._size_bytes + _HEADROOM_BYTES:
            return False
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        finally:
            os.close(descriptor)
        return True
