"""A slice of files: each is moved, or stays with a reason, or is given back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.folders import JPEG
from vawsum_agent.core.errors import AccessDenied, Rejected, Unavailable
from vawsum_agent.images.move.mover import REMOVED_AT_ONCE
from vawsum_agent.images.reasons import Reason
from vawsum_agent.images.remove.removal import Outcome, RemoverError

if TYPE_CHECKING:
    from tests.unit.images.move.moving import Ground

NAMES = [f"{number}.jpg" for number in range(REMOVED_AT_ONCE * 2 + 5)]


@pytest.mark.parametrize("jobs", [1, 4])
def test_all_move(ground: Ground, jobs: int) -> None:
    """Each is in the bucket and not here any more, counted once, however many work at it."""
    moved = ground.move(ground.put(*NAMES), jobs)
    assert (moved.moved_count, moved.copied_count, moved.error) == (len(NAMES), 0, None)
    assert moved.moved_bytes == sum(len(JPEG) + len(name) for name in NAMES)
    assert moved.settled_count == len(NAMES)
    assert (ground.names(), ground.keys()) == (set(), set(NAMES))


def test_copies_stay(copying: Ground) -> None:
    """Where files are copied only, each is in both places and to be remembered; the remover is not asked."""
    copying.remover.is_away = True
    moved = copying.move(copying.put("a.jpg", "b.jpg"))
    assert (moved.moved_count, moved.copied_count, len(moved.kept)) == (0, 2, 2)
    assert copying.names() == copying.keys() == {"a.jpg", "b.jpg"}


def test_ends_at_the_first_error(ground: Ground) -> None:
    """The one that failed is told from those that were not begun; what was sent before is removed all the same."""
    paths = ground.put("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    ground.bucket.before_write = lambda _: ground.bucket.failures.extend(
        [AccessDenied("no")] if len(ground.bucket.calls) == 2 else []
    )
    moved = ground.move(paths)
    assert (moved.moved_count, moved.failed, moved.left) == (1, [b"b.jpg"], [b"c.jpg", b"d.jpg"])
    assert isinstance(moved.error, AccessDenied)
    assert ground.names() == {"b.jpg", "c.jpg", "d.jpg"}


def test_remover_away(ground: Ground) -> None:
    """What can't be removed stays and is given back; nobody asks once more, and nothing further is sent."""
    ground.remover.is_away = True
    paths = ground.put(*NAMES)
    moved = ground.move(paths)
    assert isinstance(moved.error, RemoverError)
    assert moved.moved_count == 0
    assert sorted(moved.failed + moved.left) == sorted(paths)
    assert len(ground.keys()) == len(moved.failed) == REMOVED_AT_ONCE
    assert ground.names() == set(NAMES)


@pytest.mark.parametrize(
    ("outcome", "reason", "is_named"),
    [(Outcome.REFUSED, Reason.NOT_REMOVABLE, True), (Outcome.CHANGED, Reason.IN_USE, False)],
)
def test_not_removed(ground: Ground, outcome: Outcome, reason: Reason, *, is_named: bool) -> None:
    """A file that may not be removed, or that somebody writes to, is remembered as it was: it is not sent again."""
    ground.remover.refused = {b"b.jpg": outcome}
    moved = ground.move(ground.put("a.jpg", "b.jpg"))
    assert (moved.moved_count, moved.later) == (1, 0 if is_named else 1)
    assert [(kept.path, kept.reason) for kept in moved.kept] == [(b"b.jpg", reason)]
    assert moved.refusals.counts[reason] == is_named
    ground.memory.book(moved, ground.clock.now())
    (kept,) = moved.kept
    assert ground.memory.verdict(kept.path, kept.fingerprint) is reason


def test_what_s3_refuses_stays(ground: Ground) -> None:
    """An object that S3 calls invalid is no reason to end."""
    ground.bucket.failures = [Rejected("no")]
    moved = ground.move(ground.put("a.jpg", "b.jpg"))
    assert (moved.moved_count, moved.error) == (1, None)
    assert moved.refusals.examples == {Reason.REFUSED_BY_S3: [b"a.jpg"]}


def test_gone_and_touched(ground: Ground) -> None:
    """What is gone, or was touched since it was found, is left to the next scan."""
    paths = ground.put("a.jpg", "b.jpg", "c.jpg")
    (ground.root / "a.jpg").unlink()
    in_an_hour = ground.clock.now()
    os.utime(ground.root / "b.jpg", (in_an_hour, in_an_hour))
    moved = ground.move(paths)
    assert (moved.moved_count, moved.later, moved.settled_count) == (1, 2, 3)
    assert ground.names() == {"b.jpg"}


def test_halted(ground: Ground) -> None:
    """Told to end, it begins no further file, and gives back those it did not begin."""
    paths = ground.put("a.jpg", "b.jpg", "c.jpg")
    moved = ground.move(paths, is_halted=lambda: bool(ground.bucket.calls))
    assert (moved.moved_count, moved.left, moved.failed) == (1, [b"b.jpg", b"c.jpg"], [])


def test_signs_of_life_tell_how_much_follows(ground: Ground) -> None:
    """Before a body is sent its size is told, so that a slow line is not taken for a hang."""
    ground.move(ground.put("a.jpg"))
    assert ground.progress[0] == len(JPEG) + len("a.jpg")
    assert ground.progress[-1] == 0


def test_an_error_of_one_thread_ends_the_others(ground: Ground) -> None:
    """Nothing is lost between them: each file is moved, failed or left."""
    paths = ground.put(*NAMES)
    ground.bucket.before_write = lambda _: ground.bucket.failures.extend(
        [Unavailable("no")] if len(ground.bucket.calls) == 20 else []
    )
    moved = ground.move(paths, 4)
    assert isinstance(moved.error, Unavailable)
    assert moved.moved_count + len(moved.failed) + len(moved.left) == len(paths)
    assert len(ground.names()) == len(moved.failed) + len(moved.left)
