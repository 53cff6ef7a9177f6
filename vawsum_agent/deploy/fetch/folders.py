"""The folders of a release while it is unpacked: each opened by itself, in the one it lies in, never through a link."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o755


class Folders:
    """Keeps open the folders on the way to the one that was asked for last: the next member mostly lies there.

    Args:
        root: a descriptor of the release's folder; stays the caller's.
        is_new: asked for a path below it; whether the folder has to be made. Raises Refused: it can't be a folder.
    """

    def __init__(self, root: int, is_new: Callable[[tuple[str, ...]], bool]) -> None:
        self._root = root
        self._is_new = is_new
        self._path: tuple[str, ...] = ()
        self._open: list[int] = []

    def opened(self, path: tuple[str, ...]) -> int:
        """Give a descriptor of a folder, made if it must be; good until the next call. Raises OSError."""
        if path != self._path:
            self._leave(path)
            for depth in range(len(self._open), len(path)):
                self._enter(path[: depth + 1])
        return self._open[-1] if self._open else self._root

    def close(self) -> None:
        """Let go of all."""
        self._leave(())

    def _leave(self, path: tuple[str, ...]) -> None:
        while self._path != path[: len(self._path)]:
            self._path = self._path[:-1]
            os.close(self._open.pop())

    def _enter(self, path: tuple[str, ...]) -> None:
        above = self._open[-1] if self._open else self._root
        is_new = self._is_new(path)
        if is_new:
            os.mkdir(path[-1], _MODE, dir_fd=above)
        descriptor = os.open(path[-1], _FOLDER, dir_fd=above)
        self._open.append(descriptor)
        self._path = path
        if is_new:
            os.fchmod(descriptor, _MODE)  # whatever the umask
