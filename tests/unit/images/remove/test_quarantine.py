"""The quarantine: put back what a crash left in it, and be met by what does not belong there."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.folders import folder_at
from tests.unit.images.remove.taking import CONTENT, Uploads
from vawsum_agent.images.remove.deed import Taken, take
from vawsum_agent.images.remove.direct import DirectRemover
from vawsum_agent.images.remove.removal import Outcome, Removal, RemoverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONG = "a" * 200 + "/" + "b" * 200 + "/" + "c" * 200


def left_behind(uploads: Uploads, *paths: str) -> None:
    """Leave files in the quarantine, as a crash after the rename does."""
    with uploads.opened() as quarantine:
        for path in paths:
            taken = take(quarantine, uploads.add(path))
            assert isinstance(taken, Taken)
            taken.close()
    assert uploads.files() == {}


@pytest.fixture
def remover() -> DirectRemover:
    """A remover that does not wait long for another."""
    return DirectRemover(lock_wait_s=0.1)


def test_recovery(uploads: Uploads, remover: DirectRemover) -> None:
    """What a crash left is at its place again, however long its path, with the bytes it had."""
    left_behind(uploads, "a/b/cat.jpg", "dog 100%.jpg", LONG)
    assert remover.recover(uploads.folder) == 3
    assert uploads.files() == {"a/b/cat.jpg": CONTENT, "dog 100%.jpg": CONTENT, LONG: CONTENT}
    assert uploads.quarantined() == []
    assert remover.recover(uploads.folder) == 0


def test_recovery_yields_to_newer(uploads: Uploads, remover: DirectRemover) -> None:
    """A file that came to the place since is the newer one: it stays, and the one in the quarantine goes."""
    left_behind(uploads, "cat.jpg")
    uploads.add("cat.jpg", b"newer")
    assert remover.recover(uploads.folder) == 0
    assert uploads.files() == {"cat.jpg": b"newer"}
    assert uploads.quarantined() == []


def test_recovery_drops_nothing_for_what_is_no_file(uploads: Uploads, remover: DirectRemover) -> None:
    """A folder or link at the place is no newer picture: both stay, and a person is asked."""
    left_behind(uploads, "cat.jpg", "dog.jpg")
    (uploads.root / "cat.jpg").mkdir()
    with pytest.raises(RemoverError, match="no file"):
        remover.recover(uploads.folder)
    (uploads.root / "cat.jpg").rmdir()
    (uploads.root / "dog.jpg").symlink_to("/etc/passwd")
    with pytest.raises(RemoverError, match="no file"):
        remover.recover(uploads.folder)
    (uploads.root / "dog.jpg").unlink()
    remover.recover(uploads.folder)
    assert uploads.files() == {"cat.jpg": CONTENT, "dog.jpg": CONTENT}


def test_recovery_follows_no_link(uploads: Uploads, remover: DirectRemover, tmp_path: Path) -> None:
    """When a folder on the way back is a link out by now, nothing is put there."""
    left_behind(uploads, "a/cat.jpg")
    (uploads.root / "a").rmdir()
    (tmp_path / "outside").mkdir()
    (uploads.root / "a").symlink_to(tmp_path / "outside")
    with pytest.raises(RemoverError, match="stands in its way"):
        remover.recover(uploads.folder)
    assert list((tmp_path / "outside").iterdir()) == []


def test_removing_recovers_first(uploads: Uploads, remover: DirectRemover) -> None:
    """What another process left when it died is back before anything else is removed."""
    left_behind(uploads, "cat.jpg")
    assert remover.remove(uploads.folder, [uploads.add("dog.jpg")]) == [Outcome.REMOVED]
    assert uploads.files() == {"cat.jpg": CONTENT}


def test_recovery_makes_the_quarantine(uploads: Uploads, remover: DirectRemover) -> None:
    """After it there is a quarantine that nobody else can enter: later the disk may have no inode left for it."""
    assert remover.recover(uploads.folder) == 0
    assert uploads.quarantine.stat().st_mode & 0o777 == 0o700


def a_link(uploads: Uploads) -> None:
    """A link to another folder."""
    (uploads.root.parent / "outside").mkdir()
    uploads.quarantine.symlink_to(uploads.root.parent / "outside")


def a_file(uploads: Uploads) -> None:
    """A file."""
    uploads.quarantine.touch()


def a_folder_with_strange_names(uploads: Uploads) -> None:
    """Names that we would never give."""
    (uploads.quarantine / "d..").mkdir(parents=True)


def a_folder_with_a_way_out(uploads: Uploads) -> None:
    """A name that would lead out of the folder."""
    uploads.quarantine.mkdir()
    (uploads.quarantine / "f..%2Foutside").touch()


def a_folder_with_a_link(uploads: Uploads) -> None:
    """A link in the place of a folder for long paths."""
    uploads.quarantine.mkdir()
    (uploads.quarantine / ("d" + "a" * 254)).symlink_to("/tmp")


def a_folder_of_another_user(uploads: Uploads) -> None:
    """A folder that somebody else owns."""
    if os.geteuid() != 0:
        pytest.skip("giving a folder away needs root")
    uploads.quarantine.mkdir()
    os.chown(uploads.quarantine, 12345, 12345)


@pytest.mark.parametrize(
    "deed",
    [
        a_link,
        a_file,
        a_folder_with_strange_names,
        a_folder_with_a_way_out,
        a_folder_with_a_link,
        a_folder_of_another_user,
    ],
)
def test_strange_quarantines(deed: Callable[[Uploads], None], uploads: Uploads, remover: DirectRemover) -> None:
    """Whatever has the quarantine's name and is none of ours is refused with a remedy; nothing is moved or removed."""
    removal = uploads.add("cat.jpg")
    deed(uploads)
    for attempt in (
        lambda: remover.remove(uploads.folder, [removal]),
        lambda: remover.recover(uploads.folder),
    ):
        with pytest.raises(RemoverError) as caught:
            attempt()
        assert ".vawsum-quarantine" in caught.value.message
        assert caught.value.hint
        assert caught.value.retryable
    assert (uploads.root / "cat.jpg").read_bytes() == CONTENT
    assert sorted(path.name for path in uploads.root.parent.iterdir()) in (["uploads"], ["outside", "uploads"])


@contextmanager
def mounted(path: Path, *options: str) -> Iterator[None]:
    """Mount something for the test."""
    path.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"can't mount here: {done.stderr.strip()} (needs root)")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("is_bound", [False, True])
def test_mounted_quarantine(uploads: Uploads, remover: DirectRemover, tmp_path: Path, *, is_bound: bool) -> None:
    """A quarantine that is a mount, even of the same file system, takes no rename: that is said before any is tried."""
    removal = uploads.add("cat.jpg")
    (tmp_path / "other").mkdir()
    options = ["--bind", str(tmp_path / "other")] if is_bound else ["-t", "tmpfs", "tmpfs"]
    with mounted(uploads.quarantine, *options), pytest.raises(RemoverError, match="another file system"):
        remover.remove(uploads.folder, [removal])
    assert uploads.files() == {"cat.jpg": CONTENT}


def test_mounted_subfolder(uploads: Uploads, remover: DirectRemover, tmp_path: Path) -> None:
    """A file below a mount is refused, and the others go."""
    (tmp_path / "other").mkdir()
    with mounted(uploads.root / "mount", "--bind", str(tmp_path / "other")):
        removals = [uploads.add("mount/cat.jpg"), uploads.add("dog.jpg")]
        assert remover.remove(uploads.folder, removals) == [Outcome.REFUSED, Outcome.REMOVED]
        assert uploads.files() == {"mount/cat.jpg": CONTENT}


def test_place_taken_in_the_quarantine(uploads: Uploads) -> None:
    """What somebody planted where a file would be taken to is neither replaced nor removed."""
    removal = uploads.add("cat.jpg")
    with uploads.opened() as quarantine:
        (uploads.quarantine / "fcat.jpg").write_bytes(b"planted")
        with pytest.raises(RemoverError, match="not of the agent's making"):
            take(quarantine, removal)
    assert uploads.files() == {"cat.jpg": CONTENT}
    assert (uploads.quarantine / "fcat.jpg").read_bytes() == b"planted"


def test_two_removers(uploads: Uploads, remover: DirectRemover) -> None:
    """While another process removes, this one waits for a while and then says who is in its way."""
    removal = uploads.add("cat.jpg")
    uploads.quarantine.mkdir()
    other = os.open(uploads.quarantine, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(RemoverError, match="another process"):
        remover.remove(uploads.folder, [removal])
    os.close(other)
    assert remover.remove(uploads.folder, [removal]) == [Outcome.REMOVED]


def test_many_at_once_in_any_order(uploads: Uploads, remover: DirectRemover) -> None:
    """Each removal gets its own outcome, whatever the order they are carried out in; the same file goes once."""
    removals = [
        uploads.add(f"{number}/{'x' * (1 + number % 90)}/{LONG if number % 7 == 0 else 'cat'}") for number in range(200)
    ]
    for number in range(0, 200, 3):
        uploads.add(os.fsdecode(removals[number].path), b"rewritten")
    outcomes = remover.remove(uploads.folder, [*removals, removals[1]])
    expected = [Outcome.REMOVED if number % 3 else Outcome.CHANGED for number in range(200)]
    assert outcomes == [*expected, Outcome.GONE]
    assert set(uploads.files().values()) == {b"rewritten"}
    assert uploads.quarantined() == []


def test_paths_that_lead_elsewhere(uploads: Uploads, remover: DirectRemover, tmp_path: Path) -> None:
    """No path, however it is written, leads out of the folder or into the quarantine."""
    (tmp_path / "outside").write_bytes(CONTENT)
    inside = uploads.add("cat.jpg").fingerprint
    paths = [b"../outside", os.fsencode(tmp_path / "outside"), b"./cat.jpg", b"", b".vawsum-quarantine/fcat.jpg"]
    outcomes = remover.remove(uploads.folder, [Removal(path, inside) for path in paths])
    assert outcomes == [Outcome.REFUSED] * len(paths)
    assert (tmp_path / "outside").read_bytes() == CONTENT


def test_copies_are_not_removed(uploads: Uploads, remover: DirectRemover) -> None:
    """In a folder that is only copied nothing is removed, whoever asks."""
    with pytest.raises(RemoverError, match="copied only"):
        remover.remove(folder_at(uploads.root, delete_local=False), [uploads.add("cat.jpg")])
    assert uploads.files() == {"cat.jpg": CONTENT}


def test_no_such_folder(uploads: Uploads, remover: DirectRemover) -> None:
    """A folder that is missing or a link is one clear error, not a failure of the process."""
    (uploads.root.parent / "link").symlink_to("uploads")
    for name in ("link", "missing"):
        with pytest.raises(RemoverError, match=name):
            remover.recover(folder_at(uploads.root.parent / name))


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system of its own needs root")
def test_no_inode_and_no_byte_left(tmp_path: Path, remover: DirectRemover) -> None:
    """On a disk without a free inode and without a free byte removing works, since it is what makes room."""
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=1m,nr_inodes=200", "tmpfs"):
        uploads = Uploads(tmp_path / "disk/uploads")
        remover.recover(uploads.folder)
        removals = [uploads.add(f"2026/{'x' * 100}/{number}.jpg") for number in range(30)]
        removals.append(uploads.add(LONG))
        with pytest.raises(OSError, match="No space"), (uploads.root / "filler").open("wb") as file:
            file.write(b"\0" * (2 << 20))
        with pytest.raises(OSError, match="No space"):
            deque(uploads.add(f"filler-{number}", b"") for number in range(1000))
        assert remover.remove(uploads.folder, removals) == [Outcome.REMOVED] * 31
