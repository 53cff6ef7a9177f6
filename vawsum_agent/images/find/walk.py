"""Walking a folder that somebody hostile may be rearranging: by descriptors, never through a link, memory bounded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vawsum_agent.images.beneath import QUARANTINE
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

MOST_DEPTH = 64
"""Folders within each other, each of which is held open while it is walked."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Entry(NamedTuple):
    """Something in the folder that is no folder itself, or a folder that can't be walked.

    Attributes:
        path: relative to the root.
        found: what lstat(2) says; None when it could not be asked, or where ``reason`` says enough.
        reason: why it is not walked into.
    """

    path: bytes
    name: bytes
    found: os.stat_result | None
    reason: Reason | None = None


class _Listing(Protocol):
    """What scandir gives."""

    def __iter__(self) -> Iterator[os.DirEntry[str]]: ...
    def __next__(self) -> os.DirEntry[str]: ...
    def close(self) -> None: ...


class _Open(NamedTuple):
    """A folder that is being listed."""

    listing: _Listing
    descriptor: int
    prefix: bytes


class Walk:
    """One walk over everything below a root.

    Args:
        root: a descriptor of the folder; stays the caller's.
        device: of the file system that is walked; others that are mounted below are not.
        on_folder: given a descriptor of each folder that is entered, the root first; it is closed some time after.
    """

    def __init__(self, root: int, device: int, on_folder: Callable[[int], None] = lambda _: None) -> None:
        self._root = root
        self._device = device
        self._on_folder = on_folder

    def entries(self) -> Generator[Entry]:
        """Give every entry once, in no order. What vanishes meanwhile is left out.

        A folder that is moved while it is walked may be met again elsewhere, or not at all: the next walk tells.
        Raises OSError when the root itself can't be read; what lies below and can't be is an entry like any other.
        """
        self._on_folder(self._root)
        stack = [_listed(os.open(".", _FOLDER, dir_fd=self._root), b"")]
        try:
            while stack:
                try:
                    item = next(stack[-1].listing, None)
                except OSError:
                    if len(stack) == 1:
                        raise
                    path = stack[-1].prefix[:-1]
                    yield Entry(path, path.rpartition(b"/")[2], None, Reason.UNREADABLE)
                    item = None
                if item is None:
                    _close(stack.pop())
                    continue
                met = self._meet(item, stack[-1], len(stack))
                if isinstance(met, _Open):
                    stack.append(met)
                elif met is not None:
                    yield met
        finally:
            for opened in stack:
                _close(opened)

    def _meet(self, item: os.DirEntry[str], folder: _Open, depth: int) -> _Open | Entry | None:
        """Look at one name: a folder to be walked, an entry, or None where there is nothing any more."""
        name = os.fsencode(item.name)
        try:
            if item.is_dir(follow_symlinks=False):
                return self._enter(folder.descriptor, name, folder.prefix, depth)
            return Entry(folder.prefix + name, name, item.stat(follow_symlinks=False))
        except FileNotFoundError:
            return None
        except OSError:
            return Entry(folder.prefix + name, name, None, Reason.UNREADABLE)

    def _enter(self, parent: int, name: bytes, prefix: bytes, depth: int) -> _Open | Entry | None:
        """Open a subfolder; an entry when it can't be walked, None when it is none of ours."""
        if depth == 1 and name == QUARANTINE:
            return None
        path = prefix + name
        if depth >= MOST_DEPTH:
            return Entry(path, name, None, Reason.TOO_DEEP)
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
        except NotADirectoryError:
            return None  # swapped for something else: the next walk meets what it is
        if os.fstat(descriptor).st_dev != self._device:
            os.close(descriptor)
            return Entry(path, name, None, Reason.OTHER_FILESYSTEM)
        self._on_folder(descriptor)
        return _listed(descriptor, path + b"/")


def _listed(descriptor: int, prefix: bytes) -> _Open:
    try:
        return _Open(os.scandir(descriptor), descriptor, prefix)
    except OSError:
        os.close(descriptor)
        raise


def _close(opened: _Open) -> None:
    opened.listing.close()
    os.close(opened.descriptor)
