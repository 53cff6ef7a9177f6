"""Which file it is, and whether it is still as it was: decides that what is removed is what was uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Device and inode say which file it is, size and times whether it changed.

    Writing moves mtime; setting mtime back moves ctime.

    Attributes:
        modified_ns, changed_ns: mtime and ctime in nanoseconds since the epoch. A rename moves ctime, too.
    """

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> Fingerprint:
        """Take it from what stat(2) says."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    def is_same_but_renamed(self, other: Fingerprint) -> bool:
        """Whether the other is this file with these bytes, as far as a rename between the two lets one tell."""
        mine = (self.device, self.inode, self.size_bytes, self.modified_ns)
        return mine == (other.device, other.inode, other.size_bytes, other.modified_ns)
