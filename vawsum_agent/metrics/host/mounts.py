"""What is mounted where, as ``/proc/self/mountinfo`` tells it (proc_pid_mountinfo(5)). Pure."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_ESCAPED = re.compile(rb"\\([0-7]{3})")
_LEAST_BEFORE, _LEAST_AFTER = 6, 2


class Mount(NamedTuple):
    """One mount.

    Attributes:
        device_id: ``major:minor`` of the file system.
        root: the folder of the file system that is mounted.
        path: where.
        source: what the file system says it is on, such as ``/dev/nvme0n1p1``.
    """

    device_id: str
    root: str
    path: str
    fstype: str
    source: str

    @property
    def is_cover(self) -> bool:
        """Whether it is there to hide what lies beneath (systemd.exec(5): InaccessiblePaths=, ProtectHome=)."""
        return self.root.startswith(("/systemd/inaccessible/", "/inaccessible/"))


def parse_mounts(data: bytes) -> list[Mount]:
    """Read them in the order of the file: of those at one path the last is on top. Lines that are none are skipped."""
    return [mount for line in data.split(b"\n") if (mount := _parse(line)) is not None]


def _parse(line: bytes) -> Mount | None:
    before, separator, after = line.partition(b" - ")
    about, of_kind = before.split(b" "), after.split(b" ")
    if not separator or len(about) < _LEAST_BEFORE or len(of_kind) < _LEAST_AFTER:
        return None
    return Mount(_text(about[2]), _text(about[3]), _text(about[4]), _text(of_kind[0]), _text(of_kind[1]))


def _text(escaped: bytes) -> str:
    """Undo the escapes of space, tab, newline and backslash. Names that are no UTF-8 survive as in `os.fsdecode`."""
    return os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), escaped))
