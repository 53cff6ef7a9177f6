"""Wakes a lane when something happens in its folder. A hint: inotify loses events, the scan is the truth."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import structlog
from watchdog.events import FileClosedEvent, FileCreatedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from vawsum_agent.images.beneath import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog.observers.api import BaseObserver

_log = structlog.get_logger()

MOST_FOLDERS = 1_000
"""Each costs a watch of the kernel's and memory of ours; beyond as many the scan alone does it."""

_EVENTS: list[type[FileSystemEvent]] = [FileClosedEvent, FileCreatedEvent, FileMovedEvent]
"""A file that was written, or moved to its place: from outside, as PHP does it, that is told as created."""


class _Teller(FileSystemEventHandler):
    def __init__(self, path: str, tell: Callable[[], None]) -> None:
        self._quarantine = f"{path}/{os.fsdecode(QUARANTINE)}/"
        self._tell = tell

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take any event for a reason to look, but for our own removals."""
        if not os.fsdecode(event.dest_path or event.src_path).startswith(self._quarantine):
            self._tell()


class FolderWatch:
    """Watches one folder and all below it, as long as that is cheap.

    Args:
        path: of the folder.
        tell: called at each event, by a thread of watchdog's; must not block.
    """

    def __init__(self, path: str, tell: Callable[[], None]) -> None:
        self._path = path
        self._handler = _Teller(path, tell)
        self._observer: BaseObserver | None = None
        self._is_given_up = False
        self._is_stopped = False
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether events would be told."""
        observer = self._observer
        return observer is not None and all(thread.is_alive() for thread in (observer, *observer.emitters))

    def adjust(self, folders: int) -> None:
        """Watch, or don't, as the number of folders allows. Never raises for want of inotify."""
        with self._lock:
            if self._is_stopped:
                return
            if folders > MOST_FOLDERS:
                self._give_up(f"{folders} folders")
            elif self._observer is None and not self._is_given_up:
                observer = Observer()
                try:
                    observer.schedule(self._handler, self._path, recursive=True, event_filter=_EVENTS)
                    observer.start()
                except OSError as exc:
                    self._give_up(str(exc))
                    return
                self._observer = observer

    def stop(self) -> None:
        """End watching. Idempotent."""
        with self._lock:
            self._is_stopped = True
            if self._observer is not None:
                self._observer.stop()
                self._observer = None

    def _give_up(self, reason: str) -> None:
        if not self._is_given_up:
            _log.info("watching_given_up", folder=self._path, reason=reason)
        self._is_given_up = True
        if self._observer is not None:
            self._observer.stop()
            self._observer = None
