"""A lane's turns: what it does next, and what it waits for."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.move.moving import Ground, wait_until
from vawsum_agent.config.model import ImagesConfig, Seconds
from vawsum_agent.core.clock import Deadline, SystemClock
from vawsum_agent.core.errors import AccessDenied, AgentError, Unavailable
from vawsum_agent.images.move.lane import SLICE, Lane
from vawsum_agent.images.remove.removal import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_TURNS = 60
"""More turns than a lane has any reason for within `WATCHED_S`, far fewer than one without a pause would have."""
WATCHED_S = 1.0


class CountedClock(SystemClock):
    """Counts how often it is asked: a loop without a pause asks thousands of times a second."""

    asked = 0

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        self.asked += 1
        return super().monotonic()


@contextmanager
def running(ground: Ground, scan_interval_s: float = 1.0) -> Iterator[Lane]:
    """Run a lane until the test ends."""
    config = ImagesConfig(scan_interval=Seconds(scan_interval_s), folder=[ground.folder])
    lane = Lane(ground.folder, config, ground.sender, ground.remover, ground.memory, ground.account, ground.clock)
    lane.start()
    try:
        yield lane
        assert lane.failure is None
    finally:
        lane.stop()
    assert not lane._thread.is_alive()


def error_of(ground: Ground) -> AgentError | None:
    """What the lane says is wrong, also if that is a moment ago."""
    problems = ground.account.report(time.monotonic() + 3600).problems
    return AgentError(problems[0].what, hint=problems[0].hint) if problems else None


def test_moves_and_looks_again(ground: Ground) -> None:
    """What is there moves, and what comes later."""
    ground.put(*(f"{number}.jpg" for number in range(SLICE + 5)))
    with running(ground):
        wait_until(lambda: not ground.names(), "all move")
        ground.put("late.jpg")
        wait_until(lambda: not ground.names(), "what comes later moves")
    assert ground.memory.totals().moved_count == SLICE + 6


def test_one_file_that_always_fails(ground: Ground) -> None:
    """It holds up no others, and is named when it is all that is left."""
    names = [f"{number}.jpg" for number in range(20)]
    ground.put(*names)
    put = ground.bucket.put

    def failing(new, body, *, if_match=""):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if new.key.endswith("/0.jpg"):
            message = f"PutObject on {new.key}"
            raise AccessDenied(message)
        return put(new, body, if_match=if_match)

    ground.bucket.put = failing  # type: ignore[method-assign]
    with running(ground, scan_interval_s=0.1):  # more often than anything is tried again
        wait_until(lambda: ground.names() == {"0.jpg"}, "the others move")
        wait_until(lambda: error_of(ground), "it says what is wrong")
        assert "0.jpg" in str(error_of(ground))
        assert ground.account.report(0.0).due_count == 1


def test_goes_on_when_s3_is_well_again(ground: Ground) -> None:
    """Nothing is lost by failing, and nothing has to be started anew."""
    ground.bucket.failures = [Unavailable("no")] * 2
    ground.put("a.jpg", "b.jpg")
    with running(ground):
        wait_until(lambda: not ground.names(), "all move")
        wait_until(lambda: error_of(ground) is None, "it is well")


def test_remover_away(ground: Ground) -> None:
    """The backlog is known, the cause is said, nothing is sent; it goes on by itself."""
    ground.remover.is_away = True
    ground.put("a.jpg", "b.jpg")
    with running(ground):
        wait_until(lambda: ground.remover.recovered > 1, "it tries again")
        assert ground.account.report(0.0).due_count == 2
        assert "no helper" in str(error_of(ground))
        assert ground.bucket.calls == []
        ground.remover.is_away = False
        wait_until(lambda: not ground.names(), "all move")
    assert ground.bucket.calls == ["put", "put"]


def test_remover_goes_away(ground: Ground) -> None:
    """What was sent when it went is sent once more when it is back, and not with each attempt."""
    with running(ground):
        wait_until(lambda: ground.remover.recovered, "it has seen that the remover works")
        ground.remover.is_away = True
        ground.put("a.jpg")
        wait_until(lambda: ground.remover.recovered > 2, "it tries again")
        assert ground.bucket.calls == ["put"]
        ground.remover.is_away = False
        wait_until(lambda: not ground.names(), "all move")
    assert ground.bucket.calls == ["put", "put", "head"]


def test_what_may_not_be_removed_is_sent_once(ground: Ground) -> None:
    """However often the folder is looked at; and it is said."""
    ground.remover.refused = {b"a.jpg": Outcome.REFUSED}
    ground.put("a.jpg", "b.jpg")
    with running(ground):
        wait_until(lambda: ground.names() == {"a.jpg"}, "the other one moves")
        for number in range(2):
            ground.put(f"more-{number}.jpg")
            wait_until(lambda: ground.names() == {"a.jpg"}, "and what comes later")
        wait_until(lambda: ground.account.report(0.0).due_count == 0, "nothing else is left")
        assert "can't be removed: a.jpg" in str(error_of(ground))
    assert ground.bucket.calls == ["put"] * 4


def test_a_folder_that_is_away(ground: Ground) -> None:
    """It is tried again with pauses, also where an event was under way, and goes on when the folder is back."""
    clock = CountedClock()
    ground.clock.monotonic = clock.monotonic  # type: ignore[method-assign]
    with running(ground) as lane:
        wait_until(lambda: ground.account.is_watched, "it watches")
        lane._note_event()
        away = ground.root.with_name("away")
        ground.root.rename(away)
        wait_until(lambda: error_of(ground), "it says what is wrong")
        asked = clock.asked
        time.sleep(WATCHED_S)
        assert clock.asked - asked < BUSY_TURNS
        away.rename(ground.root)
        ground.put("a.jpg")
        wait_until(lambda: not ground.names(), "all move")


def test_drain(ground: Ground) -> None:
    """Everything is in the bucket, also what is too young to move, and stays; then the lane rests."""
    clock = CountedClock()
    ground.clock.monotonic = clock.monotonic  # type: ignore[method-assign]
    ground.clock.ahead_s = 0.0
    names = [f"{number}.jpg" for number in range(30)]
    ground.put(*names)
    with running(ground, 60.0) as lane:
        deadline = Deadline(SystemClock(), 30.0)
        lane.drain(deadline)
        flush = lane.drained(deadline)
        assert flush is not None
        assert (flush.is_done, flush.unsent_count) == (True, 0)
        assert ground.keys() == ground.names() == set(names)
        asked = clock.asked
        time.sleep(WATCHED_S)
        assert clock.asked - asked < BUSY_TURNS
        assert lane.is_alive()


@pytest.mark.parametrize("is_folder", [True, False])
def test_drain_that_can_t(ground: Ground, *, is_folder: bool) -> None:
    """With S3 or the folder away it ends, says why, and does not call it done."""
    ground.put("a.jpg", "b.jpg")
    ground.bucket.failures = [Unavailable("S3 is away")] * 1000
    if is_folder:
        ground.root.rename(ground.root.with_name("away"))
    with running(ground, 60.0) as lane:
        deadline = Deadline(SystemClock(), 1.5)
        lane.drain(deadline)
        flush = lane.drained(deadline)
        assert flush is not None
        assert not flush.is_done
        wait_until(lane._is_drained.is_set, "it has ended")
        assert flush.unsent_count == (0 if is_folder else 2)
        assert ("uploads" if is_folder else "S3 is away") in str(flush.error)
        assert ground.bucket.calls.count("put") < 10


def test_drain_through_errors(ground: Ground) -> None:
    """Each error costs a pause, not a new beginning: what is in the bucket is not sent again."""
    names = [f"{number}.jpg" for number in range(30)]
    ground.clock.ahead_s = 0.0
    ground.put(*names)
    for at in (5, 12, 19):
        _fail_at(ground, at)
    with running(ground, 60.0) as lane:
        deadline = Deadline(SystemClock(), 60.0)
        lane.drain(deadline)
        flush = lane.drained(deadline)
        assert flush is not None
        assert flush.is_done
    assert ground.keys() == ground.names() == set(names)
    assert ground.bucket.calls.count("put") == len(names) + 3


def _fail_at(ground: Ground, number: int) -> None:
    before = ground.bucket.before_write

    def failing(if_match: str) -> None:
        before(if_match)
        if ground.bucket.calls.count("put") == number:
            ground.bucket.failures.append(Unavailable("no"))

    ground.bucket.before_write = failing


def test_drained_copies_are_known(copying: Ground) -> None:
    """Where files are copied only, what a drain copied is not sent again by the next lane."""
    copying.clock.ahead_s = 0.0
    copying.put("a.jpg")
    with running(copying, 60.0) as lane:
        deadline = Deadline(SystemClock(), 30.0)
        lane.drain(deadline)
        lane.drained(deadline)
    copying.clock.ahead_s = 3600.0
    with running(copying):
        wait_until(lambda: copying.account.report(0.0).copied_count == 1, "it is known")
    assert copying.bucket.calls == ["put"]


def test_stops_soon(ground: Ground) -> None:
    """However much is left, after the files under way."""
    ground.put(*(f"{number}.jpg" for number in range(300)))
    ground.bucket.before_write = lambda _: time.sleep(0.05)
    with running(ground):
        wait_until(lambda: ground.bucket.calls, "it moves")
    assert len(ground.names()) > 200
    assert ground.names() | ground.keys() >= {f"{number}.jpg" for number in range(300)}
