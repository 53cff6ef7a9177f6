"""One folder's lane: a thread that scans, moves slice by slice, waits, and looks again.

The folder is the queue: nothing of a selection is kept across a restart. What fails is tried again with one file at a
time, each time another one, until it works; the rest waits where it is.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError, StateError
from vawsum_agent.core.pulse import Pulse
from vawsum_agent.core.text import printable
from vawsum_agent.images.move.flush import Flush
from vawsum_agent.images.move.mover import Moved
from vawsum_agent.images.move.place import Halted, Place
from vawsum_agent.images.move.pressure import usage_of
from vawsum_agent.images.move.schedule import LastScan, after_event_s, pace_s, retry_s, wait_s
from vawsum_agent.images.move.selection import Selection
from vawsum_agent.images.move.wake import FolderWatch
from vawsum_agent.images.reasons import Reason
from vawsum_agent.images.remove.removal import RemoverError

if TYPE_CHECKING:
    from vawsum_agent.config.model import ImagesConfig, ImagesFolder
    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.images.move.account import Account
    from vawsum_agent.images.move.memory import StoredMemory
    from vawsum_agent.images.move.mover import Uploader
    from vawsum_agent.images.move.place import OpenPlace
    from vawsum_agent.images.remove.removal import Remover

_log = structlog.get_logger()

SLICE = 500
"""Files between two looks at the disk and at whether the lane should end."""

_PATIENCE_S = 120.0
"""The longest between two signs of life: a request and the waits within it. To this comes the time for its bytes."""

_SLOWEST_BYTES_A_SECOND = 16 << 10
"""What an upload may crawl at, with others beside it, without being taken for dead."""

_STOP_S = 10.0

_TIDY_AFTER_S = 60.0
_TIDY_EVERY_S = 86_400.0
"""After a start, and from then on."""


class Lane:
    """Moves the files of one folder, for as long as it is started.

    Args:
        folder: where, and what moves.
        config: how often, and how many at once.
        uploader: puts files into the bucket.
        remover: takes them away; used by this lane alone.
        memory: of files that stay.
        account: takes the numbers.
        clock: wall and monotonic time.
    """

    def __init__(
        self,
        folder: ImagesFolder,
        config: ImagesConfig,
        uploader: Uploader,
        remover: Remover,
        memory: StoredMemory,
        account: Account,
        clock: Clock,
    ) -> None:
        self.folder = folder
        self.account = account
        self.failure: Exception | None = None
        self._config = config
        self._place = Place(folder, uploader, remover, memory, clock, self._note_progress)
        self._clock = clock
        self._pulse = Pulse(clock)
        self._patience_s = _PATIENCE_S
        self._dice = random.Random()  # noqa: S311 - jitter
        self._watch = FolderWatch(folder.path, self._note_event)
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._flush: Flush | None = None
        self._is_drained = threading.Event()
        self._selection = Selection()
        self._scan_at = float("-inf")
        self._event_at: float | None = None
        self._attempt = 0
        self._is_recovered = False
        self._tidy_at = clock.monotonic() + _TIDY_AFTER_S
        self._thread = threading.Thread(target=self._run, name=f"images {folder.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def drain(self, deadline: Deadline) -> None:
        """Begin to have everything in the bucket, also what is younger than `min_age`, and to look for nothing new."""
        jobs = self._config.pressure_jobs
        self._flush = Flush(self._place, deadline, jobs, self._stopped.is_set, self._stopped.wait)
        self._wake.set()

    def drained(self, deadline: Deadline) -> Flush | None:
        """Wait for the end of the drain; what came of it, or None where none was begun."""
        self._is_drained.wait(deadline.remaining_s())
        return self._flush

    def halt(self) -> None:
        """Begin to end after the files that are under way."""
        self._stopped.set()
        self._wake.set()
        self._watch.stop()

    def stop(self) -> None:
        """End after the files that are under way. Idempotent."""
        self.halt()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def is_alive(self) -> bool:
        """Whether the lane gives signs of life."""
        return self._pulse.is_alive()

    # -- its thread

    def _run(self) -> None:
        try:
            while not self._is_halted():
                self._note_progress(0)
                self._rest(self._turn())
            if self._flush is not None:
                self._flush.run()
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self.failure = exc
            _log.exception("lane_died", folder=self.folder.name)
        finally:
            self._is_drained.set()
            self._place.remover.close()
        while self.failure is None and not self._stopped.wait(1.0):
            self._pulse.beat()

    def _is_halted(self) -> bool:
        return self._stopped.is_set() or self._flush is not None

    def _note_progress(self, following_bytes: int) -> None:
        """Give a sign of life; so many bytes go next without one. Several threads do: the most patient one counts."""
        patience_s = _PATIENCE_S + following_bytes / _SLOWEST_BYTES_A_SECOND
        self._patience_s = max(self._patience_s, patience_s)
        self._pulse.beat(self._patience_s)

    def _rest(self, seconds: float) -> None:
        """Wait until it is time, or, unless something is wrong, until an event is to be followed up."""
        ends_at = self._clock.monotonic() + seconds
        while not self._is_halted():
            self._wake.clear()
            event_at = None if self._attempt else self._event_at
            left_s = min(ends_at, event_at or ends_at) - self._clock.monotonic()
            if left_s <= 0 or self._is_halted():
                return
            self._pulse.beat(left_s)
            self._wake.wait(left_s)

    def _note_event(self) -> None:
        """Something new is in the folder: it will be due in `min_age`."""
        if self._event_at is None:
            took_s = self.account.scan_took_s
            wait = after_event_s(self._config.scan_interval, took_s, self.folder.min_age)
            self._event_at = self._clock.monotonic() + wait
            self._wake.set()

    def _turn(self) -> float:
        """Scan if it is time, move a slice if anything is due; returns how long to wait."""
        self._patience_s = _PATIENCE_S
        try:
            with self._place.opened() as opened:
                if self._is_time_to_scan():
                    self._scan(opened)
                self._recover()
                moved = self._move_slice(opened)
                self._tidy()
        except Halted:
            return 0.0
        except AgentError as exc:
            moved = Moved(error=exc)
        if moved.error is not None:
            return self._fail(moved.error)
        if moved.moved_count or moved.copied_count or not self._selection:
            self.account.failed(None, 0.0)
            self._attempt = 0
        if self._selection or self._selection.is_used_up:
            return 0.0
        return max(0.0, self._scan_at - self._clock.monotonic())

    def _fail(self, error: AgentError) -> float:
        """Note what is wrong; returns how long to wait before the next attempt."""
        self.account.failed(error, self._clock.monotonic())
        if isinstance(error, RemoverError):
            # Nothing is uploaded, only to be uploaded again, before the remover works.
            self._is_recovered = False
        self._attempt += 1
        return retry_s(self._attempt - 1, self._dice.random())

    def _tidy(self) -> None:
        """Abort what was left of uploads in parts, once a day. That it could not be done keeps nothing from moving."""
        now_s = self._clock.monotonic()
        if now_s < self._tidy_at:
            return
        self._tidy_at = now_s + _TIDY_EVERY_S
        try:
            aborted = self._place.uploader.abort_abandoned(self.folder)
        except AgentError as exc:
            _log.warning("uploads_not_aborted", folder=self.folder.name, error=exc.message)
        else:
            if aborted:
                _log.info("uploads_aborted", folder=self.folder.name, count=aborted)

    def _is_time_to_scan(self) -> bool:
        if self._selection.is_used_up:
            return True
        now_s = self._clock.monotonic()
        return now_s >= self._scan_at or (self._event_at is not None and now_s >= self._event_at)

    def _recover(self) -> None:
        """Put back what a crash left in the quarantine, once, and see whether the remover works."""
        if self._is_recovered or not self.folder.delete_local:
            return
        put_back = self._place.remover.recover(self.folder)
        self._is_recovered = True
        if put_back:
            _log.info("images_put_back", folder=self.folder.name, count=put_back)

    def _scan(self, opened: OpenPlace) -> None:
        after = self._selection.goes_on_after if self._selection.is_used_up else None
        if after is None:
            self._event_at = None
        began_s = self._clock.monotonic()
        self._watch.begin()
        found = opened.scan(self._is_halted, after, self._watch.meet)
        self._watch.end()
        took_s = self._clock.monotonic() - began_s
        self.account.scanned(found, self._clock.now(), took_s)
        self.account.is_watched = self._watch.is_on
        self._selection.fill(found)
        if after is None:
            next_due_s = None if found.next_due_ns is None else found.next_due_ns / 1e9 - self._clock.now()
            wait = wait_s(self._config.scan_interval, LastScan(took_s, next_due_s, self._watch.is_on))
            if self._selection:
                wait = min(wait, pace_s(self._config.scan_interval, took_s))
            self._scan_at = self._clock.monotonic() + wait

    def _move_slice(self, opened: OpenPlace) -> Moved:
        self.account.usage = usage_of(opened.root)
        self.account.is_pressed = self.account.usage.percent >= self._config.disk_watermark
        if not self._selection:
            return Moved()
        jobs = self._config.pressure_jobs if self.account.is_pressed else self._config.jobs
        size = SLICE
        if self._attempt:
            jobs, size = 1, 1  # what failed for all is asked with one
        moved = opened.mover().move(self._selection.take(size), jobs, self._is_halted)
        self._selection.give_back(moved)
        self._book(moved)
        return moved

    def _book(self, moved: Moved) -> None:
        now = self._clock.now()
        self.account.moved(moved, now)
        for kept in moved.kept:
            if kept.reason in {Reason.PHP_CODE, Reason.COLLISION}:
                path = printable(kept.path.decode("utf-8", "backslashreplace"))
                _log.warning("image_left_alone", folder=self.folder.name, path=path, reason=kept.reason)
        if moved.moved_count or moved.copied_count:
            _log.info(
                "images_moved",
                folder=self.folder.name,
                moved=moved.moved_count,
                copied=moved.copied_count,
                bytes=moved.moved_bytes + moved.copied_bytes,
                rewritten=moved.rewritten,
            )
        try:
            self._place.memory.book(moved, now)
        except StateError as exc:
            # Not remembered means looked at again: on a full disk moving goes on, since it is what makes room.
            _log.warning("images_not_remembered", folder=self.folder.name, error=exc.message)
