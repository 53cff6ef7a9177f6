"""A crash at every step of a removal, and of the recovery from one."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.images.remove.forked import (
    forked,
    joined,
    recover_until_death,
    remove_until_death,
    touch_some_in_the_quarantine,
)
from tests.unit.images.remove.taking import Uploads
from vawsum_agent.images.remove import DirectRemover
from vawsum_agent.images.remove.quarantine import Quarantine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.images.remove import Removal

LONG = f"{'a' * 150}/{'b' * 150}/long.jpg"
PATHS = ["cat.jpg", "2026/dog.jpg", "2026/11/cow.jpg", LONG, "e.jpg", "f.jpg"]
CONTENTS = {path: f"picture of {path}".encode() for path in PATHS}
POINTS = [
    ("rename_new", "before", 1),
    *(("rename_new", "after", number) for number in range(1, 9)),  # six are taken in, two put back
    ("drop", "before", 1),
    *(("drop", "after", number) for number in range(1, 5)),
    ("put_back", "before", 1),
    ("put_back", "after", 1),
    ("put_back", "after", 2),
    ("tidy", "before", 1),
    ("tidy", "after", 6),
]


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """An empty upload folder."""
    return Uploads(tmp_path / "uploads")


def whole(uploads: Uploads) -> set[str]:
    """The paths of all files that are left, at their place or in the quarantine; each must have its bytes."""
    contents = {content: path for path, content in CONTENTS.items()}
    return {contents[path.read_bytes()] for path in uploads.root.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("step", "when", "number"), POINTS)
def test_crash_while_removing(uploads: Uploads, step: str, when: str, number: int) -> None:
    """When the process dies at a step, then each file is whole, but for those it had decided to unlink; after the
    recovery each of them is at its place, and nothing is in the quarantine.
    """  # noqa: D205 - one sentence
    removals = [uploads.add(path, content) for path, content in CONTENTS.items()]
    assert joined(forked(remove_until_death, uploads, removals, step, when, number)) == -9
    left = whole(uploads)
    if step != "tidy":
        dropped = number if (step, when) == ("drop", "after") else len(PATHS) - len(left)
        assert len(PATHS) - len(left) == dropped
    if step == "rename_new" and number <= len(PATHS):
        assert left == set(PATHS)
    DirectRemover().recover(uploads.folder)
    assert uploads.files() == {path: CONTENTS[path] for path in left}
    assert uploads.quarantined() == []
    outcomes = DirectRemover().remove(uploads.folder, [uploads.removal(os.fsencode(path)) for path in sorted(left)])
    assert {str(outcome) for outcome in outcomes} <= {"removed"}
    assert uploads.files() == {}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 5))
def test_crash_while_recovering(uploads: Uploads, when: str, number: int) -> None:
    """When the recovery dies, too, the next one ends what it began; a newer file at a place stays all the while."""
    removals = [uploads.add(path, content) for path, content in CONTENTS.items()]
    assert joined(forked(remove_until_death, uploads, removals, "drop", "before", 1)) == -9
    newer = uploads.add("cat.jpg", b"newer")
    assert joined(forked(recover_until_death, uploads, "put_back", when, number)) == -9
    DirectRemover().recover(uploads.folder)
    assert uploads.files() == {**CONTENTS, "cat.jpg": b"newer"}
    assert uploads.quarantined() == []
    assert DirectRemover().remove(uploads.folder, [newer]) == ["removed"]


def remove_and_wait(uploads: Uploads, removals: list[Removal], decided: Path) -> None:
    """Remove everything in small parts, write down each file before it is unlinked, and wait to be killed."""
    touch_some_in_the_quarantine(uploads)
    drop = Quarantine.drop
    journal = os.open(decided, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def noting(self: Quarantine, path: bytes) -> None:
        os.write(journal, path + b"\n")
        drop(self, path)

    Quarantine.drop = noting  # type: ignore[method-assign]  # in this process alone
    remover = DirectRemover()
    while removals:
        part, removals = removals[:5], removals[5:]
        remover.remove(uploads.folder, part)
    signal.pause()


@pytest.mark.timeout(count(120, 1200))
def test_killed_at_random(uploads: Uploads, tmp_path: Path, tell: Callable[[str], None]) -> None:
    """When the process is killed at any moment, then each file is at its place with its bytes after the recovery, but
    for those that had been checked and decided on; nothing is left in the quarantine.
    """  # noqa: D205 - one sentence
    dice = random.Random(4)
    decided = tmp_path / "decided"
    kills = count(40, 400)
    put_back = gone = 0
    for _ in range(kills):
        contents = {f"{number % 7}/{number}.jpg": dice.randbytes(100) for number in range(150)}
        removals = [uploads.add(path, content) for path, content in contents.items()]
        decided.unlink(missing_ok=True)
        process = forked(remove_and_wait, uploads, removals, decided)
        while not decided.exists() and process.is_alive():
            time.sleep(0.001)
        time.sleep(dice.random() * 0.05)
        process.kill()
        assert joined(process) == -9
        put_back += DirectRemover().recover(uploads.folder)
        may_be_gone = set(decided.read_text().splitlines())
        files = uploads.files()
        assert {path for path in contents if path not in files} <= may_be_gone
        assert all(contents[path] == content for path, content in files.items())
        assert uploads.quarantined() == []
        gone += len(contents) - len(files)
        for path in files:
            (uploads.root / path).unlink()
    tell(f"{kills} kills, {put_back} files put back, {gone} removed")
    assert put_back
