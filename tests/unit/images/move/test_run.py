"""How threads share a slice: few files wait to be removed, and what is settled is told while the rest is under way."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.inspect.picture import Picture, Refused
from vawsum_agent.images.move.run import REMOVED_AT_ONCE, Run
from vawsum_agent.images.reasons import Reason
from vawsum_agent.images.remove.removal import Outcome
from vawsum_agent.images.upload.send import Kind, Sent
from vawsum_agent.images.upload.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.images.move.moved import Moved
    from vawsum_agent.images.remove.removal import Removal

THREADS = 4
LIMIT_S = 30.0
PATHS = [f"{number}.jpg".encode() for number in range(REMOVED_AT_ONCE * 3 + 7)]


class SlowClock(SystemClock):
    """Goes on only when it is told to."""

    at_s = 0.0

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.at_s


class Works:
    """Sends everything but what is refused, and removes everything.

    Attributes:
        takes_s: seconds that each file takes to be sent.
        removed: how many files it was given to be removed, each time.
        sends_on: set when one was sent after the first removal began.
        at_removal: called within each removal, with how long it may take; False is a failure.
    """

    def __init__(self, *, is_removing: bool = True, refused: frozenset[bytes] = frozenset()) -> None:
        self.is_removing = is_removing
        self.takes_s = 0.0
        self.removed: list[int] = []
        self.turn = Turn()
        self.clock = SlowClock()
        self.sends_on = threading.Event()
        self.at_removal: Callable[[float], object] = lambda _: None
        self._refused = refused

    def send(self, path: bytes) -> tuple[Picture, Sent]:
        """See `Work.send`."""
        fingerprint = Fingerprint(1, 2, 10, 3, 4)
        if path in self._refused:
            raise Refused(Reason.NOT_AN_IMAGE, fingerprint)
        if self.removed:
            self.sends_on.set()
        self.clock.at_s += self.takes_s
        return Picture(path, -1, fingerprint, "image/jpeg"), Sent(Kind.MOVED, path.decode())

    def remove(self, removals: list[Removal]) -> list[Outcome]:
        """See `Work.remove`."""
        self.removed.append(len(removals))
        assert self.at_removal(LIMIT_S) is not False, "nobody sends meanwhile"
        return [Outcome.REMOVED] * len(removals)


def worked(works: Works, on_settled: Callable[[Moved], None] | None = None, count: int = THREADS) -> Moved:
    """Have ``count`` threads work at all paths."""
    run = Run(works, deque(PATHS), works.clock, lambda: False, on_settled)
    threads = [threading.Thread(target=run.work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return run.ended()


def test_few_wait_to_be_removed() -> None:
    """They are removed whenever there are enough of them, not enough of each thread's: each is here twice so long."""
    works = Works()
    moved = worked(works)
    assert (moved.moved_count, moved.left, moved.failed, moved.error) == (len(PATHS), [], [], None)
    assert sum(works.removed) == len(PATHS)
    assert len([count for count in works.removed if count >= REMOVED_AT_ONCE]) >= len(PATHS) // (
        REMOVED_AT_ONCE + THREADS
    )


def test_settled_files_are_told_at_once() -> None:
    """Whoever waits hears of files long before the last one, of each once, and what is returned tells of the others."""
    told: list[Moved] = []
    refused = frozenset(PATHS[:5])
    moved = worked(Works(refused=refused), told.append)
    assert len(told) > len(PATHS) // REMOVED_AT_ONCE
    assert sum(some.settled_count for some in [*told, moved]) == len(PATHS)
    assert sum(some.moved_count for some in [*told, moved]) == len(PATHS) - len(refused)
    assert all(some.error is None and not some.left for some in told)


def test_copies_are_told_at_once() -> None:
    """So it is where nothing is removed; and what is to be remembered of them does not pile up."""
    told: list[Moved] = []
    moved = worked(Works(is_removing=False), told.append)
    assert sum(some.copied_count for some in [*told, moved]) == len(PATHS)
    assert max(len(some.kept) for some in [*told, moved]) <= REMOVED_AT_ONCE


def test_none_waits_long_for_others() -> None:
    """On a slow line files are removed, and told of, one or a few at a time."""
    works = Works()
    works.takes_s = 0.3
    assert worked(works, count=1).moved_count == len(PATHS)
    assert max(works.removed) == 5  # the first, and four that took more than a second together


def test_removing_keeps_nobody_from_sending() -> None:
    """The owner's helper may take its time: others send on meanwhile."""
    works = Works()
    works.at_removal = works.sends_on.wait
    assert worked(works).moved_count == len(PATHS)
