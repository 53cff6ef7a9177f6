"""One slice of files and the threads that work at it: who takes which, what they sent, and what became of each.

What a crash leaves behind, at any point: the file is here, or its object is proven, or both; the next scan goes on from
there. Nothing is kept of a slice but counts.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.objects import Conflict
from vawsum_agent.core.errors import AgentError
from vawsum_agent.images.inspect.picture import NotNow, Refused
from vawsum_agent.images.move.moved import Kept, Moved
from vawsum_agent.images.reasons import Reason
from vawsum_agent.images.remove.removal import Outcome, Removal, RemoverError
from vawsum_agent.images.upload.send import Kind

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.images.fingerprint import Fingerprint
    from vawsum_agent.images.inspect.picture import Picture
    from vawsum_agent.images.upload.send import Sent
    from vawsum_agent.images.upload.turn import Turn

REMOVED_AT_ONCE = 64
"""Files whose removal is asked for together."""

REMOVED_AFTER_S = 1.0
"""For as long a file may wait for others to be removed with it: on a slow line these are long in coming."""


class Work(Protocol):
    """What is done to files; `Mover` does it."""

    def send(self, path: bytes) -> tuple[Picture, Sent]:
        """Raises Refused, NotNow, AwsError."""
        ...

    def remove(self, removals: list[Removal]) -> list[Outcome]:
        """Raises AgentError."""
        ...

    @property
    def turn(self) -> Turn:
        """What threads hold while they work."""
        ...

    @property
    def is_removing(self) -> bool:
        """Whether files go, or are copied only."""
        ...


class Run:
    """One slice, worked at by several threads.

    Args:
        work: sends and removes its files.
        waiting: paths of these.
        clock: monotonic.
        is_halted: asked before each file.
        on_settled: see `Mover.move`.
    """

    def __init__(
        self,
        work: Work,
        waiting: deque[bytes],
        clock: Clock,
        is_halted: Callable[[], bool],
        on_settled: Callable[[Moved], None] | None,
    ) -> None:
        self._work = work
        self._waiting = waiting
        self._clock = clock
        self._is_halted = is_halted
        self._on_settled = on_settled
        self._moved = Moved()
        self._sent: list[Removal] = []  # by all threads, so that few wait for being removed however many send
        self._sent_since_s = 0.0
        self._failed: list[bytes] = []
        self._error: AgentError | None = None
        self._lock = threading.Lock()
        self._removing = threading.Lock()

    def work(self) -> None:
        """Take files until there are no more, or an error ends it."""
        with self._work.turn, ExitStack() as ending:
            ending.callback(self._remove_sent, at_least=1)
            while self._error is None and not self._is_halted():
                try:
                    path = self._waiting.popleft()
                except IndexError:
                    return
                self._take(path)
                self._remove_sent(at_least=REMOVED_AT_ONCE)

    def ended(self) -> Moved:
        """Give what became of all, once nobody works any more."""
        self._moved.left.extend(self._waiting)
        self._moved.failed.extend(self._failed)
        self._moved.error = self._error
        return self._moved

    def _take(self, path: bytes) -> None:
        try:
            picture, result = self._work.send(path)
        except Refused as refused:
            self._keep(path, refused.fingerprint, refused.reason)
        except (NotNow, Conflict):
            # Others keep writing to this one key: it comes again with the next scan, and holds up no other.
            with self._lock:
                self._moved.later += 1
        except AgentError as exc:
            self._fail([path], exc)
        else:
            self._settle(picture, result)

    def _settle(self, picture: Picture, result: Sent) -> None:
        if result.kind is Kind.COLLISION:
            self._keep(picture.path, picture.fingerprint, Reason.COLLISION)
            return
        with self._lock:
            self._moved.rewritten += result.kind is Kind.REWRITTEN
            if self._work.is_removing:
                if not self._sent:
                    self._sent_since_s = self._clock.monotonic()
                self._sent.append(Removal(picture.path, picture.fingerprint))
            else:
                self._moved.copied_count += 1
                self._moved.copied_bytes += picture.fingerprint.size_bytes
                self._moved.kept.append(Kept(picture.path, picture.fingerprint, None))
                self._hand_over(at_least=REMOVED_AT_ONCE)

    def _remove_sent(self, at_least: int) -> None:
        with self._lock:
            is_overdue = self._sent and self._clock.monotonic() - self._sent_since_s >= REMOVED_AFTER_S
            if len(self._sent) < at_least and not is_overdue:
                return
            removals, self._sent = self._sent, []
        try:
            with self._work.turn.away(), self._removing:
                outcomes = self._outcomes(removals)
        except AgentError as exc:
            # Each is here and in the bucket: the next attempt finds it, and S3 says that it is there.
            self._fail([removal.path for removal in removals], exc)
            return
        with self._lock:
            for removal, outcome in zip(removals, outcomes, strict=True):
                self._book(removal, outcome)
            self._hand_over(at_least=1)

    def _outcomes(self, removals: list[Removal]) -> list[Outcome]:
        if isinstance(self._error, RemoverError):
            raise self._error  # another thread has just waited for that
        return self._work.remove(removals)

    def _book(self, removal: Removal, outcome: Outcome) -> None:
        if outcome in {Outcome.REMOVED, Outcome.GONE}:
            self._moved.moved_count += 1
            self._moved.moved_bytes += removal.fingerprint.size_bytes
        elif outcome is Outcome.REFUSED:
            self._moved.refusals.add(Reason.NOT_REMOVABLE, removal.path)
            self._moved.kept.append(Kept(removal.path, removal.fingerprint, Reason.NOT_REMOVABLE))
        else:
            self._moved.later += 1
            # It has another fingerprint by now, and comes again; or somebody has it open, and it waits.
            self._moved.kept.append(Kept(removal.path, removal.fingerprint, Reason.IN_USE))

    def _hand_over(self, at_least: int) -> None:
        """Tell of what is settled, if it is so many files; to be called under the lock."""
        if self._on_settled is not None and self._moved.settled_count >= at_least:
            settled, self._moved = self._moved, Moved()
            self._on_settled(settled)

    def _keep(self, path: bytes, fingerprint: Fingerprint | None, reason: Reason) -> None:
        with self._lock:
            self._moved.refusals.add(reason, path)
            if fingerprint is not None:
                self._moved.kept.append(Kept(path, fingerprint, reason))

    def _fail(self, paths: list[bytes], error: AgentError) -> None:
        with self._lock:
            self._failed.extend(paths)
            if self._error is None or isinstance(error, RemoverError):
                self._error = error
