"""Wakes the reader when something happens to the folders of followed files. A hint and no more: the scan decides.

inotify loses events when its queue overflows, is absent on some file systems and limited in number; without it the
agent only notices a little later.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog
from watchdog.events import (
    DirCreatedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchdog.observers.api import BaseObserver, ObservedWatch

_log = structlog.get_logger()

MOST_FOLDERS = 32
"""Each watch costs two threads of watchdog's; beyond this many folders the scan alone does it."""

_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]


class _Setter(FileSystemEventHandler):
    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def dispatch(self, event: FileSystemEvent) -> None:
        """Take any event for a reason to look."""
        del event
        self._event.set()


class Wake:
    """An event that the reader waits for, set by the file system and by whoever has news."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._handler = _Setter(self._event)
        self._observer: BaseObserver | None = None
        self._watches: dict[str, ObservedWatch] = {}
        self._is_exhausted = False

    def set(self) -> None:
        """Wake the reader, from any thread."""
        self._event.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for news and forget them; False when none came in time."""
        was_set = self._event.wait(timeout_s)
        self._event.clear()
        return was_set

    def watch(self, folders: Iterable[str]) -> None:
        """Watch exactly these folders from now on. Called by the reader; never raises for want of inotify."""
        wanted = set(folders)
        if self._is_exhausted or wanted == self._watches.keys():
            return
        if len(wanted) > MOST_FOLDERS:
            self._give_up(f"{len(wanted)} folders")
            return
        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        for folder in self._watches.keys() - wanted:
            self._observer.unschedule(self._watches.pop(folder))
        for folder in wanted - self._watches.keys():
            try:
                self._watches[folder] = self._observer.schedule(self._handler, folder, event_filter=_EVENTS)
            except FileNotFoundError:
                continue  # it comes with the next call, once it is there again
            except OSError as exc:
                self._give_up(str(exc))
                return

    def stop(self) -> None:
        """End watching. Idempotent."""
        if self._observer is not None:
            self._observer.stop()
            self._observer = None
        self._watches.clear()
        self._event.set()

    def _give_up(self, reason: str) -> None:
        _log.info("watching_given_up", reason=reason)
        self._is_exhausted = True
        if self._observer is not None:
            self._observer.stop()
            self._observer = None
        self._watches.clear()
