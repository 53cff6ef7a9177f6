"""`DirectRemover`: removes as the user that this process is. The helper uses it, and whoever runs as the owner."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from typing import TYPE_CHECKING

from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.remove.deed import Taken, settle, take
from vawsum_agent.images.remove.names import pieces_of
from vawsum_agent.images.remove.quarantine import open_quarantine
from vawsum_agent.images.remove.removal import Outcome, RemoverError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.remove.quarantine import Quarantine
    from vawsum_agent.images.remove.removal import Removal

_AT_ONCE = 64
"""Files in the quarantine at a time. Each is held open, and who wants to write to it waits: a few milliseconds."""
_HINTS = {
    errno.EROFS: "the file system is mounted read-only, or the service sees it so: ReadWritePaths= in a drop-in",
    errno.EACCES: "the folder's owner must be allowed to write it",
    errno.EPERM: "the folder's owner must be allowed to write it",
    errno.ENOSPC: "the disk is full, or out of inodes: delete any one file on it",
    errno.EDQUOT: "the owner's quota is used up: delete any one file of theirs",
}


class DirectRemover:
    """Removes files of this process's own user."""

    def __init__(self, *, lock_wait_s: float = 5.0) -> None:
        self._lock_wait_s = lock_wait_s

    def remove(self, folder: ImagesFolder, removals: Sequence[Removal]) -> list[Outcome]:
        """See `Remover.remove`."""
        if not folder.delete_local:
            message = f"{folder.path}: its files are copied only"
            raise RemoverError(message, hint="set delete_local = true to have them removed")
        if not removals:
            return []
        with _mapped(folder.path), self._opened(folder) as quarantine:
            # What another process left when it died; in a quarantine that is empty this looks at one folder.
            quarantine.recover()
            return _removed(quarantine, removals)

    def recover(self, folder: ImagesFolder) -> int:
        """See `Remover.recover`."""
        with _mapped(folder.path), self._opened(folder) as quarantine:
            return quarantine.recover()

    def close(self) -> None:
        """See `Remover.close`."""

    @contextlib.contextmanager
    def _opened(self, folder: ImagesFolder) -> Iterator[Quarantine]:
        root = open_root(folder.path)
        try:
            with open_quarantine(root, folder.path, wait_s=self._lock_wait_s) as quarantine:
                yield quarantine
        finally:
            os.close(root)


def _removed(quarantine: Quarantine, removals: Sequence[Removal]) -> list[Outcome]:
    # Short paths first: they need no folder in the quarantine, and make room for those that do.
    waiting = deque(sorted(range(len(removals)), key=lambda index: len(pieces_of(removals[index].path))))
    outcomes: dict[int, Outcome] = {}
    while waiting:
        _remove_some(quarantine, removals, waiting, outcomes)
    return [outcomes[index] for index in range(len(removals))]


def _remove_some(
    quarantine: Quarantine, removals: Sequence[Removal], waiting: deque[int], outcomes: dict[int, Outcome]
) -> None:
    """Take in as many as may be at once, then settle them all, also when something fails on the way."""
    with contextlib.ExitStack() as settling:
        count = 0
        while waiting and count < _AT_ONCE:
            index = waiting[0]
            try:
                taken = take(quarantine, removals[index])
            except OSError as exc:
                if exc.errno == errno.ENOSPC and count:
                    return  # no room for one more name in the quarantine: those that are in it go first
                raise
            waiting.popleft()
            if isinstance(taken, Taken):
                count += 1
                settling.callback(_settle, quarantine, taken, outcomes, index)
            else:
                outcomes[index] = taken


def _settle(quarantine: Quarantine, taken: Taken, outcomes: dict[int, Outcome], index: int) -> None:
    try:
        outcomes[index] = settle(quarantine, taken)
        quarantine.tidy(taken.removal.path)
    finally:
        taken.close()


@contextlib.contextmanager
def _mapped(path: str) -> Iterator[None]:
    try:
        yield
    except FolderError as exc:
        raise RemoverError(exc.message, hint=exc.hint) from exc
    except OSError as exc:
        message = f"nothing can be removed from {path}: {exc.strerror}"
        raise RemoverError(message, hint=_HINTS.get(exc.errno or 0, "")) from exc
