"""How full the disk of a folder is. Reads statvfs(2); decides purely."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """What is in use, as `df` and `df -i` tell it, in percent rounded up; 0 where the file system does not say."""

    space_percent: int
    inodes_percent: int

    @property
    def percent(self) -> int:
        """The tighter of the two."""
        return max(self.space_percent, self.inodes_percent)

    @classmethod
    def of(cls, found: os.statvfs_result) -> Usage:
        """Take it from what statvfs says; what is reserved for root counts as gone."""
        used = found.f_blocks - found.f_bfree
        inodes_used = found.f_files - found.f_ffree
        return cls(_percent(used, used + found.f_bavail), _percent(inodes_used, inodes_used + found.f_favail))


def usage_of(folder: int) -> Usage:
    """Ask about the file system that an open folder is on. Raises OSError."""
    return Usage.of(os.fstatvfs(folder))


def _percent(part: int, whole: int) -> int:
    return math.ceil(100 * part / whole) if whole > 0 else 0
