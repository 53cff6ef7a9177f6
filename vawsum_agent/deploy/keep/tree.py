"""Removing a folder with all that is in it, and nothing else, while others may still write to it.

Each folder in it is renamed into the uppermost one before anything in it is touched. So a link is never followed, paths
never grow long, however deep somebody made it, and a file system that is mounted below is not emptied: its place can't
be renamed (rename(2): EBUSY). And each is taken from its owner before it is looked into: a process of the application
that still works in it leaves nothing there any more.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASSES = 5
"""How often a folder is emptied that somebody changes meanwhile: the same user's, or what was on its way already."""

_CHANGED = frozenset({errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR, errno.ENOENT})
_OURS_ALONE = 0o700


def remove_tree(parent: Path, name: str) -> None:
    """Remove a folder, file or link; fine where there is none. Safe to call again after a crash inside it.

    Args:
        parent: nobody else may rename what is in it.
        name: in it.

    Raises:
        OSError: something in it can't be removed; the rest may be gone.
    """
    with _opened(parent) as above:
        for left in reversed(range(_PASSES)):
            try:
                _remove(above, name)
            except OSError as exc:
                if exc.errno not in _CHANGED or not left:
                    raise
            else:
                return


def _remove(above: int, name: str) -> None:
    try:
        top = _entered(above, name)
    except FileNotFoundError:
        return
    if top is None:
        os.unlink(name, dir_fd=above)
        return
    try:
        _empty(top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=above)


def _empty(top: int) -> None:
    # Names that nothing has which lies there: neither what was unpacked nor what an earlier call lifted.
    names = (f".{prefix}-{number}" for prefix in [secrets.token_hex(8)] for number in range(1 << 62))
    waiting = _lift(top, top, names)
    while waiting:
        name = waiting.pop()
        folder = _entered(top, name)
        if folder is None:
            os.unlink(name, dir_fd=top)  # it was swapped for a link just before it was lifted
            continue
        try:
            waiting += _lift(folder, top, names)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=top)


def _lift(folder: int, top: int, names: Iterator[str]) -> list[str]:
    """Remove what is in a folder, but rename the folders in it into the uppermost one; give their names."""
    with os.scandir(folder) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    lifted = []
    for name, is_folder in entries:
        with suppress(FileNotFoundError):  # somebody else was faster
            if is_folder:
                new = next(names)
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
                lifted.append(new)
            else:
                os.unlink(name, dir_fd=folder)
    return lifted


def _entered(above: int, name: str) -> int | None:
    """Open a folder, and let nobody else change it any more; None where it is none."""
    try:
        folder = os.open(name, _FOLDER, dir_fd=above)
    except OSError as exc:
        if exc.errno in {errno.ENOTDIR, errno.ELOOP}:
            return None
        raise
    # Where this fails, the removal does, and says why; or it was not needed.
    with suppress(OSError):
        if os.geteuid() == 0:
            os.fchown(folder, 0, 0)  # first: its owner could set the mode back
        os.fchmod(folder, _OURS_ALONE)
    return folder


@contextmanager
def _opened(parent: Path) -> Iterator[int]:
    descriptor = os.open(parent, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
