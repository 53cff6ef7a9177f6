"""Wakes a lane when something happens in its folder. A hint: inotify loses events, the scan is the truth.

Folders are watched as the scan meets them, by the descriptors that it opened without following a link. watchdog's own
observer would walk new folders by their paths, and so out of the root where one is swapped for a link at that moment.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import structlog
from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyFD, Mask

from vawsum_agent.images.beneath import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog.observers.inotify_c import InotifyEvent, WatchDescriptor

_log = structlog.get_logger()

MOST_FOLDERS = 1_000
"""Each costs a watch of the kernel's and memory of ours; beyond as many the scan alone does it."""

_MASK = Mask(
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_CREATE
    | InotifyConstants.IN_ONLYDIR
)
"""A file that was written, or moved to its place; a folder that is new. Removals are none of these."""

_OWN = CallbackId(1)

_Inode = tuple[int, int]


class FolderWatch:
    """Watches a folder and all below it, as long as that is cheap. A scan tells it which folders there are.

    Args:
        path: of the folder, for people.
        tell: called at each event, by a thread of watchdog's; must not block.
    """

    def __init__(self, path: str, tell: Callable[[], None]) -> None:
        self._path = path
        self._tell = tell
        self._inotify: InotifyFD | None = None
        self._watches: dict[_Inode, WatchDescriptor] = {}
        self._met: set[_Inode] = set()
        self._root: _Inode | None = None
        self._is_given_up = False
        self._is_stopped = False
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether events would be told."""
        inotify = self._inotify
        return inotify is not None and inotify.is_alive() and self._root in self._watches

    def begin(self) -> None:
        """A scan begins."""
        self._met = set()

    def meet(self, descriptor: int) -> None:
        """Watch a folder that the scan has entered, the root first. Never raises for want of inotify."""
        found = os.fstat(descriptor)
        inode = (found.st_dev, found.st_ino)
        if not self._met:
            self._root = inode
        self._met.add(inode)
        with self._lock:
            if self._is_stopped or self._is_given_up or inode in self._watches:
                return
            if len(self._met) > MOST_FOLDERS + 1:
                self._give_up(f"more than {MOST_FOLDERS} folders")
                return
            try:
                if self._inotify is None:
                    self._inotify = InotifyFD()
                    self._inotify.start()
                # The folder that is open, wherever it is by now, and whatever is in its place.
                path = b"/proc/self/fd/%d" % descriptor
                self._watches[inode] = self._inotify.add_callback(path, _MASK, self, _OWN)
            except OSError as exc:
                self._give_up(str(exc))

    def end(self) -> None:
        """A scan has met all folders: others are watched no more."""
        with self._lock:
            gone = self._watches.keys() - self._met
            if self._inotify is not None and gone:
                self._inotify.remove_callbacks([(self._watches.pop(inode), _OWN) for inode in gone])

    def stop(self) -> None:
        """End watching. Idempotent."""
        with self._lock:
            self._is_stopped = True
            self._close()

    # -- WatchCallback, called by the thread of `InotifyFD`

    def on_event(self, event: InotifyEvent) -> None:
        """Take any event for a reason to look, but for our own folder."""
        if event.name != QUARANTINE:
            self._tell()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a folder that is gone."""
        # Without the lock: closing, which holds it, tells of every watch that ends.
        for inode, known in list(self._watches.items()):
            if known == wd:
                self._watches.pop(inode, None)

    def on_queue_overflow(self) -> None:
        """Look: something happened, and nobody knows what."""
        self._tell()

    def _give_up(self, reason: str) -> None:
        _log.info("watching_given_up", folder=self._path, reason=reason)
        self._is_given_up = True
        self._close()

    def _close(self) -> None:
        inotify, self._inotify = self._inotify, None
        if inotify is not None:
            inotify.stop()
        self._watches.clear()
