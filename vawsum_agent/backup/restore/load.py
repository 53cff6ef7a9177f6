"""All phases of a restore, the tables of it several at once.

What is done is noted after each step, so that a restore that was broken off goes on. A table that fails does not stop
the others: what can be had is had. What comes after the tables needs all of them.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.restore.table import Loader, LoadFailed
from vawsum_agent.backup.restore.words import Kind
from vawsum_agent.core.errors import AgentError, BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.backup.manifest import Frame
    from vawsum_agent.backup.restore.meter import Meter
    from vawsum_agent.backup.restore.plan import Plan

_MOST_FAILURES = 5

BEFORE = "databases"
STAND_INS = "stand-ins of views"
AFTER = "views, routines, events"


class Done(Protocol):
    """What an earlier run has done, and this one."""

    def has(self, step: str, frame: Frame | None = None) -> bool:
        """Whether a step is done, or a table of it."""
        ...

    def add(self, step: str, frame: Frame | None = None) -> None:
        """Note it. Raises StateError."""
        ...


class Counter(Protocol):
    """What looks at tables that were restored; see `Counts`."""

    def take(self, frame: Frame) -> None:
        """One was."""
        ...

    def lost(self, frames: Sequence[Frame]) -> list[Frame]:
        """Give those that the server has lost since."""
        ...


class Load:
    """One restore.

    Args:
        plan: what, in which order.
        loader: of its frames.
        done: notes it.
        meter: shows it.
        jobs: tables at once.
        stop: called when the rest is to end at once.
        counter: of the tables; None for none.
        before_views: called when all tables are there, and a stand-in for each view: what a view is made of may be
            named in grants now, and a view on a view can only be made when its definer may read the first.
    """

    def __init__(
        self,
        plan: Plan,
        loader: Loader,
        done: Done,
        meter: Meter,
        jobs: int,
        stop: Callable[[], object],
        counter: Counter | None,
        before_views: Callable[[], object] = lambda: None,
    ) -> None:
        self._plan = plan
        self._loader = loader
        self._done = done
        self._meter = meter
        self._jobs = jobs
        self._stop = stop
        self._counter = counter
        self._before_views = before_views
        self._lock = threading.Lock()
        self._failures: list[AgentError] = []
        self._postponed: list[Frame] = []
        self._is_stopped = False

    def run(self) -> None:
        """Do what is not done yet.

        Raises:
            BackupError: something of it failed; what is done is noted.
            AwsError: S3 does not give it.
        """
        self._step(BEFORE, self._plan.before)
        self._tables()
        self._step(STAND_INS, [frame for frame in self._plan.after if frame.kind == "view"])
        if not self._done.has(AFTER):
            self._before_views()
        self._step(AFTER, [frame for frame in self._plan.after if frame.kind != "view"])

    def _step(self, name: str, frames: Sequence[Frame]) -> None:
        if self._done.has(name):
            for frame in frames:
                self._meter.skip(frame)
            return
        if frames:
            self._meter.phase(name)
            self._loader.load(frames)
        # If we die here, it is done again, which makes the same anew.
        self._done.add(name)

    def _tables(self) -> None:
        self._meter.phase("tables")
        waiting: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        for frame in self._plan.tables:
            if self._done.has("table", frame):
                self._meter.skip(frame)
            else:
                waiting.put(frame)
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="restore") as pool:
            for worker in [pool.submit(self._work, waiting) for _ in range(self._jobs)]:
                worker.result()
        for frame in [] if self._is_stopped else self._postponed:
            self._one(frame, is_last=True)
        self._raise_failures()
        if self._counter is not None and not self._done.has(AFTER):
            for frame in self._counter.lost(self._plan.tables):
                self._one(frame, is_last=True)
            self._raise_failures()

    def _work(self, waiting: queue.SimpleQueue[Frame]) -> None:
        while not self._is_stopped:
            try:
                frame = waiting.get_nowait()
            except queue.Empty:
                return
            self._one(frame, is_last=False)

    def _one(self, frame: Frame, *, is_last: bool) -> None:
        try:
            self._loader.load([frame], may_defer=not is_last)
            if self._counter is not None:
                self._counter.take(frame)
            # If we die here, the table is restored once more.
            self._done.add("table", frame)
        except LoadFailed as failure:
            if failure.kind is Kind.PARENT_MISSING and not is_last:
                with self._lock:
                    self._postponed.append(frame)  # it refers to a table that has to be whole first
                return
            self._fail(failure, is_fatal=failure.kind is not Kind.OWN and failure.kind is not Kind.PARENT_MISSING)
        except AgentError as failure:
            self._fail(failure, is_fatal=True)

    def _fail(self, failure: AgentError, *, is_fatal: bool) -> None:
        with self._lock:
            if self._is_stopped:
                return  # the others fail because they are ended
            self._failures.append(failure)
            self._is_stopped = is_fatal or len(self._failures) >= _MOST_FAILURES
            is_stopped = self._is_stopped
        if is_stopped:
            self._stop()

    def _raise_failures(self) -> None:
        if not self._failures:
            return
        if len(self._failures) == 1:
            raise self._failures[0]
        told = "; ".join(failure.message for failure in self._failures)
        message = f"{len(self._failures)} tables could not be restored: {told}"
        raise BackupError(message, hint=self._failures[-1].hint)
