"""Opening what lies below a folder that root works in, each part of a path by itself, never through a symbolic link.

A release is root's until its writable folders are given away, and shared folders are the application's all along:
whoever found a way into the application may have put anything there. What is held open is what was checked.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vawsum_agent.deploy.prepare.owner import Owner

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o755
_UMASK = 0o022
_UNNAMED = ".vawsum-new-"


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Open a folder by a path in which nobody but root, or the one who deploys, can change a name.

    Raises:
        DeployError: it is missing, or no folder.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise DeployError(printable(f"{folder} can't be opened: {exc.strerror}")) from exc
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def make_folder(name: str, parent: int) -> None:
    """Make a folder that everybody can go through, as the web server has to. Raises OSError."""
    # Not by chmod afterwards: a crash in between would leave one that nobody ever opens.
    before = os.umask(_UMASK)
    try:
        os.mkdir(name, _MODE, dir_fd=parent)
    finally:
        os.umask(before)
    os.fsync(parent)


def is_ours(status: os.stat_result) -> bool:
    """Whether nobody but root, or the one who deploys, can change what is in a folder, or a file."""
    own_groups = {0} if os.geteuid() == 0 else {0, os.getegid()}
    is_open = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid not in own_groups)
    return status.st_uid in {0, os.geteuid()} and not is_open


@contextmanager
def own_parent(root: int, parts: Sequence[str]) -> Iterator[int]:
    """Give the folder of a path in the release, making those that are missing. Each of them is ours.

    Raises:
        OSError: a part of the path is a link or a file, or can't be made.
        DeployError: one is somebody else's.
    """
    descriptor = os.open(".", FOLDER, dir_fd=root)
    try:
        _see_that_it_is_ours(descriptor, parts)
        for part in parts[:-1]:
            try:
                following = os.open(part, FOLDER, dir_fd=descriptor)
            except FileNotFoundError:
                # If we die after this, an empty folder is left, which is as good as none.
                make_folder(part, descriptor)
                following = os.open(part, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
            _see_that_it_is_ours(descriptor, parts)
        yield descriptor
    finally:
        os.close(descriptor)


def _see_that_it_is_ours(folder: int, parts: Sequence[str]) -> None:
    if not is_ours(os.fstat(folder)):
        message = f"{'/'.join(parts)} would be in a folder of the release that others may write to"
        raise DeployError(printable(message), hint="remove the release's folder, and deploy it again")


def find_shared(root: int, parts: Sequence[str]) -> os.stat_result | None:
    """Look at what is shared at a path, in the end; None: there is nothing.

    Its last part may be a link, as an administrator makes one to another disk; nothing is opened through it, and all
    that is learnt is whether it leads anywhere.

    Raises:
        OSError: another part of the path is a link, or no folder.
    """
    descriptor = os.open(".", FOLDER, dir_fd=root)
    try:
        for part in parts[:-1]:
            following = os.open(part, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
        return os.stat(parts[-1], dir_fd=descriptor)
    except FileNotFoundError:
        return None
    finally:
        os.close(descriptor)


def make_shared(root: int, parts: Sequence[str], owner: Owner) -> None:
    """Make the folders of a shared path that are missing, the last one for the application. Safe to call again.

    Raises:
        OSError: a part of the path is a link or a file, or can't be made.
    """
    descriptor = os.open(".", FOLDER, dir_fd=root)
    try:
        for part in parts[:-1]:
            try:
                following = os.open(part, FOLDER, dir_fd=descriptor)
            except FileNotFoundError:
                # If we die after this, an empty folder is left, which the next call goes through.
                make_folder(part, descriptor)
                following = os.open(part, FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = following
        try:
            os.close(os.open(parts[-1], FOLDER, dir_fd=descriptor))
        except FileNotFoundError:
            _make_given(parts[-1], descriptor, owner)
    finally:
        os.close(descriptor)


def _make_given(name: str, parent: int, owner: Owner) -> None:
    """Make a folder that is the application's as soon as it has its name: one that has it keeps its owner."""
    for left in os.listdir(parent):
        if left.startswith(_UNNAMED):
            with suppress(OSError):  # what is no empty folder is not from us
                os.rmdir(left, dir_fd=parent)
    unnamed = _UNNAMED + secrets.token_hex(8)
    # If we die from here on, an empty folder of that name is left, which the next call removes.
    make_folder(unnamed, parent)
    folder = os.open(unnamed, FOLDER, dir_fd=parent)
    try:
        # Where the parent is the application's, another one may lie there by now.
        with os.scandir(folder) as entries:
            is_empty = next(entries, None) is None
        if not is_empty or os.fstat(folder).st_uid != os.geteuid():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), unnamed)
        owner.take(folder)
    finally:
        os.close(folder)
    os.rename(unnamed, name, src_dir_fd=parent, dst_dir_fd=parent)
    os.fsync(parent)


def reason(exc: OSError) -> str:
    """Say what an OSError on a path means here."""
    if exc.errno in {errno.ELOOP, errno.ENOTDIR}:
        return "a part of it is a link or a file, where a folder has to be"
    return exc.strerror or str(exc)
