"""One folder's lane: a thread that scans, moves slice by slice, waits, and looks again.

The folder is the queue: nothing of a selection is kept across a restart. What fails is tried again with one file at a
time, until it works; the rest waits where it is.
"""

from __future__ import annotations

import os
import random
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace as with_settings

from vawsum_agent.core.errors import AgentError, StateError
from vawsum_agent.core.pulse import Pulse
from vawsum_agent.core.text import printable
from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.find.scan import scan
from vawsum_agent.images.find.walk import Walk
from vawsum_agent.images.inspect.rules import Rules, rules_of
from vawsum_agent.images.move.mover import Moved, Mover
from vawsum_agent.images.move.pressure import usage_of
from vawsum_agent.images.move.schedule import LastScan, after_event_s, pace_s, retry_s, wait_s
from vawsum_agent.images.move.wake import FolderWatch
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import ImagesConfig, ImagesFolder
    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.images.find.scan import Scan
    from vawsum_agent.images.move.account import Account
    from vawsum_agent.images.move.memory import StoredMemory
    from vawsum_agent.images.move.mover import Uploader
    from vawsum_agent.images.remove.removal import Remover

_log = structlog.get_logger()

SLICE = 500
"""Files between two looks at the disk and at whether the lane should end."""

_FILE_S = 120.0
"""The longest that one file may give no sign of life: a request and the waits within it."""

_SCAN_S = 600.0
"""The longest that a scan may take: a million files took six seconds."""

_STOP_S = 10.0

_TIDY_AFTER_S = 60.0
_TIDY_EVERY_S = 86_400.0
"""After a start, and from then on."""

_FAR_AHEAD_NS = 365 * 86_400 * 10**9
"""Taken off the age that a flush asks for: it does not matter what a clock says."""


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
        self._uploader = uploader
        self._remover = remover
        self._memory = memory
        self._clock = clock
        self._pulse = Pulse(clock)
        self._dice = random.Random()  # noqa: S311 - jitter
        self._watch = FolderWatch(folder.path, self._note_event)
        self._wake = threading.Event()
        self._is_stopped = False
        self._draining: Deadline | None = None
        self._is_drained = threading.Event()
        self._unsent = 0
        self._due: deque[bytes] = deque()
        self._is_selection_whole = True
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
        self._draining = deadline
        self._wake.set()

    def left(self, deadline: Deadline) -> int:
        """Wait for the drain to end; returns how many files are not in the bucket, as far as is known."""
        is_over = self._is_drained.wait(max(0.0, deadline.remaining_s()))
        return self._unsent if is_over else max(1, self._unsent)

    def stop(self) -> None:
        """End after the files that are under way. Idempotent."""
        self._is_stopped = True
        self._wake.set()
        self._watch.stop()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def is_alive(self) -> bool:
        """Whether the lane gives signs of life."""
        return self._pulse.is_alive()

    # -- its thread

    def _run(self) -> None:
        try:
            while not self._is_stopped and self._draining is None:
                self._pulse.beat(_SCAN_S)
                self._rest(self._turn())
            if self._draining is not None:
                self._flush(self._draining)
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self.failure = exc
            _log.exception("lane_died", folder=self.folder.name)
        finally:
            self._is_drained.set()
            self._remover.close()
            while not self._is_stopped and self.failure is None:
                self._pulse.beat()
                self._wake.wait(1.0)

    def _rest(self, seconds: float) -> None:
        """Wait, in bounded steps, until it is time, or something happens."""
        ends_at = self._clock.monotonic() + seconds
        while not self._is_stopped and self._draining is None:
            self._wake.clear()
            left_s = min(ends_at, self._event_at or ends_at) - self._clock.monotonic()
            if left_s <= 0:
                return
            self._pulse.beat(left_s)
            self._wake.wait(left_s)

    def _note_event(self) -> None:
        """Something new is in the folder: it will be due in `min_age`."""
        if self._event_at is None:
            report = self.account.report(0.0)
            wait = after_event_s(self._config.scan_interval, report.scan_took_s, self.folder.min_age)
            self._event_at = self._clock.monotonic() + wait
            self._wake.set()

    def _turn(self) -> float:
        """Scan if it is time, move a slice if anything is due; returns how long to wait."""
        try:
            with self._opened() as (root, rules):
                self._recover()
                if self._is_time_to_scan():
                    self._scan(root, rules)
                moved = self._move_slice(root, rules)
                self._tidy()
        except AgentError as exc:
            moved = Moved(error=exc)
        if moved.error is not None:
            self.account.failed(moved.error, self._clock.monotonic())
            self._attempt += 1
            return retry_s(self._attempt - 1, self._dice.random())
        if moved.moved_count or moved.copied_count or not self._due:
            self.account.failed(None, 0.0)
            self._attempt = 0
        if self._due or not self._is_selection_whole:
            return 0.0
        return max(0.0, self._scan_at - self._clock.monotonic())

    def _tidy(self) -> None:
        """Abort what was left of uploads in parts, once a day. That it could not be done keeps nothing from moving."""
        now_s = self._clock.monotonic()
        if now_s < self._tidy_at:
            return
        self._tidy_at = now_s + _TIDY_EVERY_S
        try:
            aborted = self._uploader.abort_abandoned(self.folder)
        except AgentError as exc:
            _log.warning("uploads_not_aborted", folder=self.folder.name, error=exc.message)
        else:
            if aborted:
                _log.info("uploads_aborted", folder=self.folder.name, count=aborted)

    def _is_time_to_scan(self) -> bool:
        now_s = self._clock.monotonic()
        if not self._due and not self._is_selection_whole:
            return True
        return now_s >= self._scan_at or (self._event_at is not None and now_s >= self._event_at)

    def _recover(self) -> None:
        """Put back what a crash left in the quarantine, once."""
        if self._is_recovered or not self.folder.delete_local:
            return
        put_back = self._remover.recover(self.folder)
        self._is_recovered = True
        if put_back:
            _log.info("images_put_back", folder=self.folder.name, count=put_back)

    @contextmanager
    def _opened(self) -> Iterator[tuple[int, Rules]]:
        """Open the folder anew: it may have been replaced since the last turn. Raises FolderError."""
        root = open_root(self.folder.path)
        try:
            yield root, rules_of(self.folder, root)
        finally:
            os.close(root)

    def _scan(self, root: int, rules: Rules) -> None:
        self._event_at = None
        began_s = self._clock.monotonic()
        found, folders = self._look(root, rules)
        took_s = self._clock.monotonic() - began_s
        self._watch.adjust(folders)
        self.account.scanned(found, self._clock.now(), took_s)
        self.account.is_watched = self._watch.is_on
        self._due = deque(found.due)
        self._is_selection_whole = found.is_whole
        next_due_s = None if found.next_due_ns is None else found.next_due_ns / 1e9 - self._clock.now()
        wait = wait_s(self._config.scan_interval, LastScan(took_s, next_due_s, self._watch.is_on))
        if self._due:
            wait = min(wait, pace_s(self._config.scan_interval, took_s))
        self._scan_at = self._clock.monotonic() + wait

    def _look(self, root: int, rules: Rules) -> tuple[Scan, int]:
        self._memory.forget_old(self._clock.now())
        known = self._memory.verdict if self._memory.has_any() else None
        walk = Walk(root, rules.device)
        try:
            found = scan(walk.entries(), rules, int(self._clock.now() * 1e9), known)
        except OSError as exc:
            message = f"{self.folder.path}: {exc.strerror}"
            raise FolderError(message, hint="the folder could not be listed") from exc
        return found, walk.folders

    def _move_slice(self, root: int, rules: Rules) -> Moved:
        self.account.usage = usage_of(root)
        self.account.is_pressed = self.account.usage.percent >= self._config.disk_watermark
        if not self._due:
            return Moved()
        jobs = self._config.pressure_jobs if self.account.is_pressed else self._config.jobs
        size = SLICE
        if self._attempt:
            jobs, size = 1, 1  # what failed for all is asked with one
        paths = [self._due.popleft() for _ in range(min(size, len(self._due)))]
        moved = self._mover(self.folder, root, rules).move(paths, jobs, self._is_halted)
        self._due.extendleft(reversed(moved.left))
        self._book(moved)
        return moved

    def _mover(self, folder: ImagesFolder, root: int, rules: Rules) -> Mover:
        return Mover(folder, root, rules, self._uploader, self._remover, self._clock, lambda: self._pulse.beat(_FILE_S))

    def _is_halted(self) -> bool:
        return self._is_stopped or self._draining is not None

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
            self._memory.book(moved, now)
        except StateError as exc:
            # Not remembered means looked at again: on a full disk moving goes on, since it is what makes room.
            _log.warning("images_not_remembered", folder=self.folder.name, error=exc.message)

    # -- the end

    def _flush(self, deadline: Deadline) -> None:
        """Copy all that is left, however young: the host may be about to go, and its disk with it."""
        folder = with_settings(self.folder, delete_local=False)
        attempt = 0
        while not self._is_stopped and not deadline.has_passed():
            self._pulse.beat(_SCAN_S)
            try:
                with self._opened() as (root, rules):
                    found, _ = self._look(root, replace(rules, min_age_ns=-_FAR_AHEAD_NS))
                    self._unsent = found.due_count
                    moved = self._copy(folder, root, rules, found, deadline)
            except AgentError as exc:
                moved = Moved(error=exc)
            if moved.error is None and found.is_whole:
                return
            self.account.failed(moved.error, self._clock.monotonic())
            if moved.error is not None and not moved.error.retryable:
                return
            self._wake.wait(min(retry_s(attempt, self._dice.random()), max(0.0, deadline.remaining_s())))
            attempt += 1

    def _copy(self, folder: ImagesFolder, root: int, rules: Rules, found: Scan, deadline: Deadline) -> Moved:
        moved = Moved()
        mover = self._mover(folder, root, replace(rules, min_age_ns=-_FAR_AHEAD_NS))
        paths = iter(found.due)
        while moved.error is None and (slice_ := list(islice(paths, SLICE))):
            moved = mover.move(slice_, self._config.pressure_jobs, lambda: self._is_stopped or deadline.has_passed())
            self._unsent -= len(slice_) - len(moved.left)
            if moved.left:
                break
        return moved
