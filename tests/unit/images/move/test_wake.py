"""A lane is woken by what arrives, however it arrives, and not by its own removals."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.folders import JPEG, folder_at, put
from tests.unit.images.move.moving import LIMIT_S, wait_until
from vawsum_agent.images.beneath import open_root
from vawsum_agent.images.find.walk import Walk
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.move.wake import MOST_FOLDERS, FolderWatch
from vawsum_agent.images.remove.direct import DirectRemover
from vawsum_agent.images.remove.removal import Removal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG_AGO = 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a subfolder."""
    (tmp_path / "uploads/2026").mkdir(parents=True)
    return tmp_path / "uploads"


@pytest.fixture
def told() -> threading.Event:
    """What is set when something is told."""
    return threading.Event()


@pytest.fixture
def watch(root: Path, told: threading.Event) -> Iterator[FolderWatch]:
    """The folder, watched."""
    made = FolderWatch(str(root), told.set)
    scan(root, made)
    assert made.is_on
    yield made
    made.stop()


def scan(root: Path, watch: FolderWatch) -> None:
    """Walk the folder as a lane does."""
    descriptor = open_root(str(root))
    try:
        watch.begin()
        for _ in Walk(descriptor, os.fstat(descriptor).st_dev, watch.meet).entries():
            pass
        watch.end()
    finally:
        os.close(descriptor)


def written(root: Path) -> None:
    """A file is written at its place."""
    put(root, "2026/a.jpg")


def moved_in(root: Path) -> None:
    """PHP's move_uploaded_file: written elsewhere on the same disk, then renamed."""
    put(root.parent, "php1234", JPEG)
    (root.parent / "php1234").rename(root / "2026/a.jpg")


def moved_within(root: Path) -> None:
    """A file is renamed within the folder."""
    (root / "old.jpg").rename(root / "2026/new.jpg")


def in_a_new_folder(root: Path) -> None:
    """A subfolder is made: what is in it is found by the scan that follows."""
    (root / "2027/01").mkdir(parents=True)
    put(root, "2027/01/a.jpg")


@pytest.mark.parametrize("arrive", [written, moved_in, moved_within, in_a_new_folder])
@pytest.mark.usefixtures("watch")
def test_arrivals_are_told(root: Path, told: threading.Event, arrive: Callable[[Path], None]) -> None:
    """However a picture gets to its place."""
    put(root, "old.jpg")
    assert told.wait(LIMIT_S)
    time.sleep(0.3)
    told.clear()
    arrive(root)
    assert told.wait(LIMIT_S)


@pytest.mark.usefixtures("watch")
def test_removals_are_not(root: Path, told: threading.Event) -> None:
    """Each would lead to another scan that finds nothing."""
    put(root, "2026/a.jpg")
    assert told.wait(LIMIT_S)
    time.sleep(0.3)
    told.clear()
    removal = Removal(b"2026/a.jpg", Fingerprint.of((root / "2026/a.jpg").lstat()))
    assert DirectRemover().remove(folder_at(root), [removal]) == ["removed"]
    assert not told.wait(0.5)


def test_new_folders_are_watched_after_a_scan(root: Path, watch: FolderWatch, told: threading.Event) -> None:
    """And what lies in a folder that was moved out of the root is nobody's business any more."""
    (root / "2027").mkdir()
    scan(root, watch)
    time.sleep(0.3)
    told.clear()
    put(root, "2027/a.jpg")
    assert told.wait(LIMIT_S)
    (root / "2027").rename(root.parent / "elsewhere")
    scan(root, watch)
    time.sleep(0.3)
    told.clear()
    put(root.parent, "elsewhere/b.jpg")
    assert not told.wait(0.5)


def test_no_link_is_followed(root: Path, watch: FolderWatch, told: threading.Event) -> None:
    """A folder that is swapped for a link leads nobody out of the root, not even to look what is there."""
    outside = root.parent / "outside"
    outside.mkdir()
    os.utime(outside, (LONG_AGO, LONG_AGO))
    for _ in range(200):
        (root / "a").mkdir()
        (root / "a").rename(root / "b")
        (root / "a").symlink_to(outside)
        (root / "a").unlink()
        (root / "b").rename(root / "a")
        (root / "a").rmdir()
    (root / "link").symlink_to(outside)
    scan(root, watch)
    time.sleep(0.3)
    assert outside.stat().st_atime == LONG_AGO
    told.clear()
    put(outside, "a.jpg")
    assert not told.wait(0.5)


def test_too_many_folders(root: Path, told: threading.Event) -> None:
    """Where watches would cost too much the scan alone does it, and stays so."""
    for number in range(MOST_FOLDERS + 1):
        (root / f"{number}").mkdir()
    watch = FolderWatch(str(root), told.set)
    scan(root, watch)
    for number in range(MOST_FOLDERS + 1):
        (root / f"{number}").rmdir()
    scan(root, watch)
    assert not watch.is_on
    put(root, "a.jpg")
    assert not told.wait(0.3)


def test_a_folder_that_goes_away(root: Path, watch: FolderWatch) -> None:
    """What is watched no more is not called watched."""
    for path in (root / "2026", root):
        path.rmdir()
    wait_until(lambda: not watch.is_on, "it says that it does not watch")


def test_stopped_for_good(root: Path, told: threading.Event) -> None:
    """A scan that ends after the stop does not begin to watch again."""
    watch = FolderWatch(str(root), told.set)
    watch.stop()
    scan(root, watch)
    assert not watch.is_on
    watch.stop()
