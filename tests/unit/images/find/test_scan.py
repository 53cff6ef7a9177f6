"""A scan meets everything that is there, follows nothing out of the folder, and stays small."""

from __future__ import annotations

import os
import socket
import threading
import tracemalloc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.counts import count
from tests.unit.images.folders import JPEG, NOW_NS, folder_at, put
from vawsum_agent.images.beneath import QUARANTINE, open_root
from vawsum_agent.images.find.scan import Scan, scan
from vawsum_agent.images.find.walk import MOST_DEPTH, Entry, Walk
from vawsum_agent.images.inspect.rules import Rules
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.fingerprint import Fingerprint


@contextmanager
def root_of(path: Path) -> Iterator[int]:
    """The folder, open."""
    descriptor = open_root(str(path))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def look(
    path: Path,
    now_ns: int = NOW_NS,
    known: Callable[[bytes, Fingerprint], Reason | bool] | None = None,
    most: int = 1000,
    **settings: object,
) -> Scan:
    """Scan a folder of the tests' own user."""
    with root_of(path) as root:
        device = os.fstat(root).st_dev
        rules = Rules.of(folder_at(path, **settings), os.getuid(), device)
        return scan(Walk(root, device).entries(), rules, now_ns, known, most=most)


def test_everything_due_is_found_oldest_first(tmp_path: Path) -> None:
    """Pictures of all subfolders, the oldest first, with count, bytes and the largest."""
    for number, path in enumerate(["c.jpg", "2025/b.jpeg", "2024/01/02/a.PNG", "ä ö.jpg"]):
        put(tmp_path, path, b"x" * (10 + number))
        os.utime(tmp_path / path, ns=(0, (10 - number) * 10**9))
    found = look(tmp_path)
    assert found.due == ["ä ö.jpg".encode(), b"2024/01/02/a.PNG", b"2025/b.jpeg", b"c.jpg"]
    assert (found.due_count, found.due_bytes, found.is_whole) == (4, 46, True)
    assert found.largest == (13, "ä ö.jpg".encode())


def test_what_can_t_move_is_named(tmp_path: Path) -> None:
    """Each with its reason; links are not followed, FIFOs and sockets not opened."""
    outside = tmp_path / "outside"
    outside.mkdir()
    put(outside, "secret.jpg")
    root = tmp_path / "uploads"
    put(root, "kept.jpg")
    (root / "link.jpg").symlink_to(outside / "secret.jpg")
    (root / "folder.jpg").symlink_to(outside)
    (root / "hard.jpg").hardlink_to(outside / "secret.jpg")
    os.mkfifo(root / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s.jpg"))
    put(root, "script.php")
    put(root, ".htaccess")
    put(root, ".jpg")
    put(root, "empty.jpg", b"")
    put(root, "large.jpg", b"x" * 2000)
    put(root, b"new\nline.jpg")
    put(root, b"\xff\xfe.jpg")
    put(root, "nel\x85.jpg")
    found = look(root, max_size=1999)
    assert found.due == [b"kept.jpg"]
    assert found.refusals.counts == {
        Reason.SYMLINK: 2,
        Reason.HARDLINK: 1,
        Reason.NOT_A_FILE: 2,
        Reason.OTHER_EXTENSION: 3,
        Reason.EMPTY: 1,
        Reason.TOO_LARGE: 1,
        Reason.NAME_WITH_CONTROL_CHARACTERS: 2,
        Reason.NAME_NOT_UTF8: 1,
    }
    assert found.refusals.examples[Reason.HARDLINK] == [b"hard.jpg"]


def test_files_of_others(tmp_path: Path) -> None:
    """A file of another owner is left alone."""
    put(tmp_path, "a.jpg")
    with root_of(tmp_path) as root:
        device = os.fstat(root).st_dev
        rules = Rules.of(folder_at(tmp_path), os.getuid() + 1, device)
        found = scan(Walk(root, device).entries(), rules, NOW_NS)
    assert found.refusals.counts == {Reason.OTHER_OWNER: 1}


def test_age_goes_by_both_times(tmp_path: Path) -> None:
    """Setting mtime back does not make a file old; an mtime from the future does not keep it young."""
    put(tmp_path, "back.jpg")
    os.utime(tmp_path / "back.jpg", ns=(0, 0))
    put(tmp_path, "ahead.jpg")
    os.utime(tmp_path / "ahead.jpg", ns=(0, 2**62))
    changed_ns = max((tmp_path / name).stat().st_ctime_ns for name in ("back.jpg", "ahead.jpg"))
    early = look(tmp_path, changed_ns - 1 + 5 * 10**9)
    assert (early.due_count, early.young_count) == (0, 2)
    assert early.next_due_ns is not None
    assert early.next_due_ns <= changed_ns + 10 * 10**9
    assert look(tmp_path, changed_ns + 10 * 10**9).due_count == 2


def test_paths_of_any_length(tmp_path: Path) -> None:
    """A path of 4,096 bytes and more is walked, and left alone: no key is that long. Deeper ones are not entered."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    name = b"d" * 200
    for depth in range(MOST_DEPTH + 5):
        inner = name if depth < 30 else b"d"
        os.mkdir(inner, dir_fd=descriptor)
        following = os.open(inner, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = following
        os.close(os.open(b"a.jpg", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
        os.truncate(f"/proc/self/fd/{descriptor}/a.jpg", 10)
    os.close(descriptor)
    found = look(tmp_path)
    assert found.refusals.counts[Reason.TOO_DEEP] == 1
    assert found.refusals.counts[Reason.NAME_TOO_LONG] > 40
    assert found.due_count == 5


def test_the_quarantine_is_not_walked(tmp_path: Path) -> None:
    """What is on its way out is no upload; only at the top, since elsewhere it is a folder like any other."""
    put(tmp_path, QUARANTINE + b"/a.jpg")
    put(tmp_path, b"sub/" + QUARANTINE + b"/b.jpg")
    assert look(tmp_path).due == [b"sub/" + QUARANTINE + b"/b.jpg"]


@pytest.mark.parametrize("most", [1, 7, 100])
@given(ages=st.lists(st.integers(0, 20), min_size=1, max_size=60))
def test_the_selection_is_the_oldest(most: int, ages: list[int]) -> None:
    """Whatever their order and number, the oldest few are selected, oldest first, and all are counted."""
    entries = [Entry(b"%d.jpg" % n, b"%d.jpg" % n, stat_of(age)) for n, age in enumerate(ages)]
    found = scan(entries, Rules.of(folder_at_any(), os.getuid(), 1), NOW_NS, most=most)
    chosen = [ages[int(path[:-4])] for path in found.due]
    assert chosen == sorted(ages)[:most]
    assert found.due_count == len(ages)


def stat_of(age: int) -> os.stat_result:
    """What lstat would say of a picture that was touched ``age`` seconds after the epoch."""
    numbers = [0o100644, 1, 1, 1, os.getuid(), 0, 10, age, age, age]
    times = [float(age)] * 3 + [age * 10**9] * 3
    return os.stat_result([*numbers, *times])


def folder_at_any() -> ImagesFolder:
    """Where there is none."""
    return folder_at(Path("/nowhere"))


def test_what_is_known_stays(tmp_path: Path) -> None:
    """Copies are counted as such, refused ones with their reason, and neither is due."""
    for name in ("copy.jpg", "bad.jpg", "new.jpg"):
        put(tmp_path, name)
    verdicts: dict[bytes, Reason | bool] = {b"copy.jpg": True, b"bad.jpg": Reason.PHP_CODE, b"new.jpg": False}
    found = look(tmp_path, known=lambda path, _: verdicts[path])
    assert found.due == [b"new.jpg"]
    assert found.known_count == 1
    assert found.refusals.counts == {Reason.PHP_CODE: 1}


def test_a_folder_rearranged_while_it_is_walked(tmp_path: Path) -> None:
    """Folders swapped for links to elsewhere, again and again: nothing outside is ever met."""
    root, outside = tmp_path / "uploads", tmp_path / "outside"
    for number in range(30):
        put(outside, f"secret-{number}.jpg")
    put(root, "a/own.jpg")
    is_over = threading.Event()

    def swap() -> None:
        while not is_over.is_set():
            (root / "a").rename(root / "b")
            (root / "a").symlink_to(outside)
            (root / "a").unlink()
            (root / "b").rename(root / "a")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        for _ in range(count(300, 10_000)):
            names = {path.rpartition(b"/")[2] for path in look(root).due}
            assert names <= {b"own.jpg"}
    finally:
        is_over.set()
        swapper.join()


def test_a_walk_leaves_nothing_open(tmp_path: Path) -> None:
    """Also one that is given up in the middle."""
    for number in range(5):
        put(tmp_path, f"{number}/{number}/a.jpg", JPEG)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count of names
    with root_of(tmp_path) as root:
        walk = Walk(root, os.fstat(root).st_dev).entries()
        next(walk)
        walk.close()
        list(Walk(root, os.fstat(root).st_dev).entries())
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_many_files_in_little_memory() -> None:
    """The selection is bounded, however many files there are."""
    entries = (Entry(b"folder/%012d.jpg" % n, b"%012d.jpg" % n, stat_of(n % 1000)) for n in range(count(30_000, 10**6)))
    tracemalloc.start()
    found = scan(entries, Rules.of(folder_at_any(), os.getuid(), 1), NOW_NS, most=1000)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.due) == 1000
    assert peak_bytes < 1_000_000
