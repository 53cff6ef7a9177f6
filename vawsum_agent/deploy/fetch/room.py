"""Whether a release has room: bytes and inodes, with something left for the application that is served meanwhile.

How much a release takes is known when it is unpacked. So the free room is looked at again and again on the way.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST_RESERVED_BYTES = 1 << 30
_MOST_RESERVED_INODES = 10_000
_SHARE = 20
"""A twentieth of the disk stays free, at most so much."""

_LOOK_AFTER_BYTES = 16 << 20
_LOOK_AFTER_INODES = 256
_BLOCK_BYTES = 4096
_HINT = "free some, or lower keep_releases"


@dataclass(frozen=True, slots=True)
class Free:
    """What a file system has left for a user without privileges (statvfs(3)).

    Attributes:
        inodes: None where the file system has no fixed number of them, as btrfs.
    """

    disk_bytes: int
    total_bytes: int
    inodes: int | None
    total_inodes: int


def look(folder: Path) -> Free:
    """Measure. Raises OSError."""
    status = os.statvfs(folder)
    return Free(
        disk_bytes=status.f_bavail * status.f_frsize,
        total_bytes=status.f_blocks * status.f_frsize,
        inodes=status.f_favail if status.f_files else None,
        total_inodes=status.f_files,
    )


def shortage(free: Free, size_bytes: int, inodes: int) -> str:
    """Say what is short for so much more, ``needs X, has Y free``; empty where nothing is. Pure."""
    reserved_bytes = min(free.total_bytes // _SHARE, _MOST_RESERVED_BYTES)
    if size_bytes + reserved_bytes > free.disk_bytes:
        needed, left = format_bytes(size_bytes), format_bytes(free.disk_bytes)
        return f"needs {needed} of disk and {format_bytes(reserved_bytes)} to spare, has {left} free"
    reserved_inodes = min(free.total_inodes // _SHARE, _MOST_RESERVED_INODES)
    if free.inodes is not None and inodes + reserved_inodes > free.inodes:
        return f"needs {inodes:,} inodes and {reserved_inodes:,} to spare, has {free.inodes:,} free"
    return ""


class Room:
    """The room of one folder, used up bit by bit.

    Args:
        folder: on whose disk things are made.
        what: they are, for messages.
        look: measures.
    """

    def __init__(self, folder: Path, what: str, look: Callable[[Path], Free] = look) -> None:
        self._folder = folder
        self._what = what
        self._look = look
        self._bytes = 0
        self._inodes = 0

    def require(self, size_bytes: int, inodes: int) -> None:
        """See that there is room for so much more. Raises DeployError."""
        short = shortage(self._look(self._folder), size_bytes, inodes)
        if short:
            raise DeployError(f"{self._what} {short} in {self._folder}", hint=_HINT)

    def take(self, size_bytes: int) -> None:
        """Count a file that is made next. Raises DeployError: there is no room for it, or for what came before."""
        self._bytes += size_bytes + _BLOCK_BYTES
        self._inodes += 1
        if self._bytes >= _LOOK_AFTER_BYTES or self._inodes >= _LOOK_AFTER_INODES:
            self.require(size_bytes, 1)
            self._bytes = self._inodes = 0
