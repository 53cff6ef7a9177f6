"""Walking a folder that somebody hostile may be rearranging: by descriptors, never through a link, memory bounded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol

from vawsum_agent.images.beneath import QUARANTINE
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

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
    """

    def __init__(self, root: int, device: int) -> None:
        self._root = root
        self._device = device
        self.folders = 0
        """Subfolders entered so far."""

    def entries(self) -> Generator[Entry]:
        """Give every entry once, in no order. What vanishes meanwhile is left out.

        A folder that is moved while it is walked may be met again elsewhere, or not at all: the next walk tells.
        Raises OSError when the root itself can't be read.
        """
        stack = [_listed(os.open(".", _FOLDER, dir_fd=self._root), b"")]
        try:
            while stack:
                listing, descriptor, prefix = stack[-1]
                for item in listing:
                    name = os.fsencode(item.name)
                    if item.is_dir(follow_symlinks=False):
                        inner = self._enter(descriptor, name, prefix, len(stack))
                        if isinstance(inner, _Open):
                            stack.append(inner)
                            break
                        if inner is not None:
                            yield inner
                        continue
                    try:
                        found = item.stat(follow_symlinks=False)
                    except OSError as exc:
                        if not isinstance(exc, FileNotFoundError):
                            yield Entry(prefix + name, name, None, Reason.UNREADABLE)
                        continue
                    yield Entry(prefix + name, name, found)
                else:
                    _close(stack.pop())
        finally:
            for opened in stack:
                _close(opened)

    def _enter(self, parent: int, name: bytes, prefix: bytes, depth: int) -> _Open | Entry | None:
        """Open a subfolder; an entry when it can't be walked, None when it is none of ours."""
        if depth == 1 and name == QUARANTINE:
            return None
        path = prefix + name
        if depth >= MOST_DEPTH:
            return Entry(path, name, None, Reason.TOO_DEEP)
        try:
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
        except (FileNotFoundError, NotADirectoryError):
            return None  # gone, or swapped for something else: the next walk meets what it is
        except OSError:
            return Entry(path, name, None, Reason.UNREADABLE)
        if os.fstat(descriptor).st_dev != self._device:
            os.close(descriptor)
            return Entry(path, name, None, Reason.OTHER_FILESYSTEM)
        self.folders += 1
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
