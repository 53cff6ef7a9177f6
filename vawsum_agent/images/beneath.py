"""Opening what lies below a folder, and nothing else: each part of a path by itself, never through a symbolic link.

An upload folder belongs to whoever found the way to upload: any part of a path may have been swapped since it was
listed. Paths are bytes, relative, without empty parts, ``.`` and ``..``; what is held open is what was checked.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Iterator

QUARANTINE = b".vawsum-quarantine"
"""The folder right below an upload folder through which files are removed. Not walked, not uploaded, not served."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ON_THE_WAY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC  # may be entered, need not be listed
_ACCESS = 0o777
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class FolderError(AgentError):
    """An upload folder can't be opened, or is not what it must be."""


def open_root(path: str) -> int:
    """Open a configured folder; no part of its path may be a symbolic link.

    Returns:
        A descriptor of the folder, the caller's to close.

    Raises:
        FolderError: it is missing, no folder, not readable, or reached through a link.
    """
    descriptor = os.open("/", _ON_THE_WAY)
    done = ""
    for part in path[1:].split("/"):
        done += f"/{part}"
        try:
            following = os.open(part, _FOLDER if done == path else _ON_THE_WAY, dir_fd=descriptor)
        except OSError as exc:
            raise _not_opened(done, path, exc) from exc
        finally:
            os.close(descriptor)
        descriptor = following
    return descriptor


def open_folder(root: int, path: bytes) -> int:
    """Open a folder below ``root``; b"" opens the root once more. Raises OSError, ELOOP or ENOTDIR at a link."""
    parts = _parts(path)
    descriptor = os.open(parts[0] if parts else ".", _FOLDER, dir_fd=root)
    for part in parts[1:]:
        try:
            following = os.open(part, _FOLDER, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = following
    return descriptor


@contextmanager
def parent_of(root: int, path: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the folder that holds ``path``, and the name in it. Raises OSError."""
    folder, _, name = path.rpartition(b"/")
    if name in {b"", b".", b".."}:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    if not folder:
        yield root, name
        return
    descriptor = open_folder(root, folder)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


@contextmanager
def made_parent_of(root: int, path: bytes) -> Iterator[tuple[int, bytes]]:
    """The same, making the folders that are missing, each as open as the one it is in. Raises OSError."""
    *folders, name = _parts(path)
    descriptor = os.open(".", _FOLDER, dir_fd=root)
    try:
        for part in folders:
            with suppress(FileExistsError):
                os.mkdir(part, stat.S_IMODE(os.fstat(descriptor).st_mode) & _ACCESS, dir_fd=descriptor)
            following = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
        yield descriptor, name
    finally:
        os.close(descriptor)


def _parts(path: bytes) -> list[bytes]:
    parts = path.split(b"/") if path else []
    if {b"", b".", b".."} & set(parts):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    return parts


def open_file(parent: int, name: bytes) -> int:
    """Open what is there for reading, without following it and without waiting: a FIFO would block for ever.

    What it is, the caller asks with fstat(2). Raises OSError: ELOOP at a link, ENXIO at a socket.
    """
    return os.open(name, _FILE, dir_fd=parent)


def _not_opened(at: str, path: str, exc: OSError) -> FolderError:
    if exc.errno in {errno.ELOOP, errno.ENOTDIR}:
        message = f"{path}: {at} is no folder of its own, but a link or a file"
        return FolderError(message, hint="write the path that `readlink -f` prints")
    hints = {
        errno.ENOENT: "does it exist, and does the service see it? see docs/images.md",
        errno.EACCES: "the agent must be allowed to read it",
    }
    return FolderError(f"{path}: {at}: {exc.strerror}", hint=hints.get(exc.errno or 0, ""))
