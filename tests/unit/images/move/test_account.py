"""What a lane says of itself, and what it remembers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.folders import folder_at
from vawsum_agent.core.errors import AccessDenied
from vawsum_agent.images.find.scan import Refusals, Scan
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.move.account import Account, Totals
from vawsum_agent.images.move.memory import StoredMemory
from vawsum_agent.images.move.mover import Kept, Moved
from vawsum_agent.images.reasons import Reason
from vawsum_agent.state.known_files import KnownFiles

if TYPE_CHECKING:
    from tests.unit.images.move.moving import Ground

ONE = Fingerprint(1, 2, 3, 4, 5)


def test_the_backlog_shrinks() -> None:
    """With each slice, by all that was dealt with; bytes of nothing are none."""
    account = Account(Totals(moved_count=10))
    account.scanned(Scan(due_count=5, due_bytes=50, young_count=1, young_bytes=7), 1000.0, 0.5)
    refusals = Refusals(Counter({Reason.NOT_AN_IMAGE: 1}), {Reason.NOT_AN_IMAGE: [b"a.jpg"]})
    account.moved(Moved(moved_count=2, moved_bytes=20, later=1, refusals=refusals), 1001.0)
    report = account.report(0.0)
    assert (report.due_count, report.due_bytes, report.young_count) == (1, 30, 1)
    assert (report.totals.moved_count, report.last_moved_at) == (12, 1001.0)
    account.moved(Moved(later=1), 1002.0)
    assert (account.report(0.0).due_count, account.report(0.0).due_bytes) == (0, 0)
    assert account.report(0.0).last_moved_at == 1001.0


def test_an_error_is_a_problem_when_it_lasts() -> None:
    """A hiccup is none; one that is over is none; the time counts from the first of a row."""
    account = Account(Totals())
    account.failed(AccessDenied("first", hint="mend"), 100.0)
    assert account.report(105.0).problems == ()
    account.failed(AccessDenied("second", hint="mend it"), 109.0)
    (problem,) = account.report(110.0).problems
    assert (problem.what, problem.hint) == ("second", "mend it")
    account.failed(None, 0.0)
    assert account.report(200.0).problems == ()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason.PHP_CODE, "5 files with PHP code where an image should be: a\\x1b[31m.jpg, b.jpg, c.jpg, …"),
        (Reason.NOT_REMOVABLE, "5 files in the bucket that can't be removed: a\\x1b[31m.jpg, b.jpg, c.jpg, …"),
        (Reason.UNREADABLE, "5 files or folders that can't be read: a\\x1b[31m.jpg, b.jpg, c.jpg, …"),
        (Reason.OTHER_EXTENSION, None),
        (Reason.COLLISION, None),
    ],
)
def test_what_wants_a_person(reason: Reason, said: str | None) -> None:
    """Some of what is left alone is a problem; its names do nothing to a terminal."""
    refusals = Refusals()
    for name in (b"a\x1b[31m.jpg", b"b.jpg", b"c.jpg", b"d.jpg", b"e.jpg"):
        refusals.add(reason, name)
    account = Account(Totals())
    account.scanned(Scan(refusals=refusals), 0.0, 0.1)
    assert [problem.what for problem in account.report(0.0).problems] == ([said] if said else [])
    assert all(problem.hint for problem in account.report(0.0).problems)


def test_what_is_remembered(ground: Ground) -> None:
    """Of a file as it was, for as long as that is believed; of another one, or another task, nothing."""
    memory, now = ground.memory, 1_000_000.0
    assert not memory.has_any()
    kept = [
        Kept(b"copied.jpg", ONE, None),
        Kept(b"taken.jpg", ONE, Reason.COLLISION),
        Kept(b"hard.jpg", ONE, Reason.HARDLINK),
    ]
    memory.book(Moved(kept=kept, moved_count=3), now)
    assert memory.verdict(b"copied.jpg", ONE) is True
    assert memory.verdict(b"taken.jpg", ONE) is Reason.COLLISION
    assert memory.verdict(b"hard.jpg", ONE) is False  # every scan sees that by itself
    assert memory.verdict(b"copied.jpg", Fingerprint(1, 2, 3, 4, 6)) is False
    memory.forget_old(now + 3_601)
    assert memory.verdict(b"taken.jpg", ONE) is False
    assert memory.verdict(b"copied.jpg", ONE) is True
    assert memory.totals().moved_count == 3


@pytest.mark.parametrize(
    "change", [{"bucket": "other"}, {"prefix": "p/"}, {"types": ["image/png"]}, {"delete_local": False}]
)
def test_another_task(ground: Ground, change: dict[str, object]) -> None:
    """Sent elsewhere, or as something else, everything is looked at anew; what was counted goes on."""
    ground.memory.book(Moved(kept=[Kept(b"a.jpg", ONE, Reason.NOT_AN_IMAGE)], moved_count=1), 0.0)
    same: dict[str, object] = {"prefix": "uploads/"}
    other = StoredMemory(KnownFiles(ground.store), folder_at(ground.root, **(same | change)))
    assert other.verdict(b"a.jpg", ONE) is False
    assert other.totals().moved_count == 1
    again = StoredMemory(KnownFiles(ground.store), folder_at(ground.root, **same))
    assert again.verdict(b"a.jpg", ONE) is Reason.NOT_AN_IMAGE
