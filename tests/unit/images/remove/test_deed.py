"""One removal, and all that may happen to the file meanwhile."""

from __future__ import annotations

import mmap
import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.remove.taking import CONTENT
from vawsum_agent.images.remove.deed import Taken, judged, settle, take
from vawsum_agent.images.remove.quarantine import Quarantine
from vawsum_agent.images.remove.removal import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.images.remove.taking import Uploads

NEWER = b"as it was rewritten"


def rewrite(path: Path) -> None:
    """Write as PHP's file_put_contents does."""
    path.write_bytes(NEWER)


def rewrite_same_size(path: Path) -> None:
    """Other bytes, as many as before, and the time set back: what rsync or `touch -r` leave."""
    before = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    """Another file takes the name in one step."""
    other = path.with_name("other")
    other.write_bytes(NEWER)
    other.rename(path)


def move_away(path: Path) -> None:
    """It gets another name, and another file gets its own."""
    path.rename(path.with_name("saved"))
    path.write_bytes(NEWER)


def link_elsewhere(path: Path) -> None:
    """A second name."""
    path.with_name("second").hardlink_to(path)


def truncate(path: Path) -> None:
    """Cut it, without opening it."""
    os.truncate(path, 1)


def touch(path: Path) -> None:
    """Another mtime, the same bytes."""
    os.utime(path)


def make_directory(path: Path) -> None:
    """A folder of that name."""
    path.unlink()
    path.mkdir()


def make_link(path: Path) -> None:
    """A link out of the folder."""
    path.unlink()
    path.symlink_to("/etc/passwd")


def make_fifo(path: Path) -> None:
    """A FIFO, which blocks whoever opens it."""
    path.unlink()
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    """A socket, which can't be opened."""
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def test_what_was_uploaded_goes(uploads: Uploads) -> None:
    """A file that is still what was uploaded is removed; its folder stays, and nothing is left in the quarantine."""
    removal = uploads.add("2026/11/cat.jpg")
    assert uploads.remove_while(removal, lambda: None) is Outcome.REMOVED
    assert uploads.files() == {}
    assert (uploads.root / "2026/11").is_dir()
    assert uploads.quarantined() == []


@pytest.mark.parametrize(
    ("deed", "outcome"),
    [
        (rewrite, Outcome.CHANGED),
        (rewrite_same_size, Outcome.CHANGED),
        (replace, Outcome.CHANGED),
        (move_away, Outcome.CHANGED),
        (truncate, Outcome.CHANGED),
        (touch, Outcome.CHANGED),
        (link_elsewhere, Outcome.REFUSED),
        (make_directory, Outcome.REFUSED),
        (make_link, Outcome.REFUSED),
        (make_fifo, Outcome.REFUSED),
        (make_socket, Outcome.REFUSED),
    ],
)
def test_changed_before(deed: Callable[[Path], None], outcome: Outcome, uploads: Uploads) -> None:
    """A file that changed since it was uploaded, or is no plain file any more, is not touched at all."""
    removal = uploads.add("a/cat.jpg")
    path = uploads.root / "a/cat.jpg"
    deed(path)
    before = os.lstat(path)
    with uploads.opened() as quarantine:
        assert take(quarantine, removal) is outcome
    after = os.lstat(path)
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)


def test_replaced_while_it_is_opened(uploads: Uploads) -> None:
    """A file that loses its name to another between our open and our look has changed; it is no hard link."""
    removal = uploads.add("cat.jpg")
    with (uploads.root / "cat.jpg").open("rb") as file:
        replace(uploads.root / "cat.jpg")
        assert judged(file.fileno(), removal) is Outcome.CHANGED


def test_gone_before(uploads: Uploads) -> None:
    """A file that is not there is gone, also when a folder on its way is a file or a link now."""
    gone, below_file, below_link = uploads.add("gone.jpg"), uploads.add("file/a.jpg"), uploads.add("link/a.jpg")
    (uploads.root / "gone.jpg").unlink()
    (uploads.root / "file").rename(uploads.root / "moved")
    (uploads.root / "file").touch()
    (uploads.root / "link").rename(uploads.root / "elsewhere")
    (uploads.root / "link").symlink_to("elsewhere")
    with uploads.opened() as quarantine:
        assert {take(quarantine, removal) for removal in (gone, below_file, below_link)} == {Outcome.GONE}
    assert (uploads.root / "elsewhere/a.jpg").read_bytes() == CONTENT


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_files_of_others(uploads: Uploads) -> None:
    """A file of another user is not ours to remove."""
    uploads.add("cat.jpg")
    os.chown(uploads.root / "cat.jpg", 12345, 12345)
    with uploads.opened() as quarantine:
        assert take(quarantine, uploads.removal(b"cat.jpg")) is Outcome.REFUSED
    assert uploads.files() == {"cat.jpg": CONTENT}


@pytest.mark.parametrize("is_mapped", [False, True])
def test_open_for_writing(uploads: Uploads, *, is_mapped: bool) -> None:
    """While somebody has it open for writing, or mapped, a file stays, although nothing in it has changed yet."""
    removal = uploads.add("cat.jpg")
    with (uploads.root / "cat.jpg").open("r+b") as writer, uploads.opened() as quarantine:
        if is_mapped:
            mapping = mmap.mmap(writer.fileno(), 0)
            writer.close()
        assert take(quarantine, removal) is Outcome.CHANGED
        if is_mapped:
            mapping.close()
            taken = take(quarantine, removal)
            assert isinstance(taken, Taken)
            assert settle(quarantine, taken) is Outcome.REMOVED
            taken.close()


def test_open_for_reading(uploads: Uploads) -> None:
    """A visitor who is being served the file gets all of it."""
    removal = uploads.add("cat.jpg")
    with (uploads.root / "cat.jpg").open("rb") as reader:
        assert uploads.remove_while(removal, lambda: None) is Outcome.REMOVED
        assert reader.read() == CONTENT


def test_opened_for_writing_meanwhile(uploads: Uploads) -> None:
    """Whoever opened the file by its old name, and waits for us, finds it at its place with what they write."""
    removal = uploads.add("cat.jpg")
    path = uploads.root / "cat.jpg"
    reader = os.open(path, os.O_RDONLY)
    is_about_to = threading.Event()

    def write() -> None:
        is_about_to.set()
        # What the kernel does for an open that found the name before the rename: it opens this very file.
        with open(f"/proc/self/fd/{reader}", "r+b", buffering=0) as file:  # noqa: PTH123 - no path of the folder
            file.write(NEWER)

    writer = threading.Thread(target=write)

    def meanwhile() -> None:
        writer.start()
        is_about_to.wait()
        threading.Event().wait(0.5)

    assert uploads.remove_while(removal, meanwhile) is Outcome.CHANGED
    writer.join(60)
    os.close(reader)
    assert uploads.files() == {"cat.jpg": NEWER}
    assert uploads.quarantined() == []


def test_new_file_meanwhile(uploads: Uploads) -> None:
    """A file that is made at the place meanwhile stays, whatever becomes of the one in the quarantine."""
    removal = uploads.add("cat.jpg")
    path = uploads.root / "cat.jpg"
    assert uploads.remove_while(removal, lambda: path.write_bytes(NEWER)) is Outcome.REMOVED
    assert uploads.files() == {"cat.jpg": NEWER}

    removal = uploads.removal(b"cat.jpg")

    def meanwhile() -> None:
        link_elsewhere(next(uploads.quarantine.iterdir()))
        path.write_bytes(CONTENT)

    assert uploads.remove_while(removal, meanwhile) is Outcome.CHANGED
    assert uploads.files() == {"cat.jpg": CONTENT}
    assert uploads.quarantined() == ["second"]


def test_second_name_meanwhile(uploads: Uploads) -> None:
    """A file that got a second name meanwhile is put back: what the other name is for, we don't know."""
    removal = uploads.add("a/cat.jpg")
    meanwhile = uploads.root / "second"
    outcome = uploads.remove_while(removal, lambda: meanwhile.hardlink_to(next(uploads.quarantine.iterdir())))
    assert outcome is Outcome.CHANGED
    assert uploads.files() == {"a/cat.jpg": CONTENT, "second": CONTENT}


@pytest.mark.parametrize("deed", [replace, move_away, make_directory, make_link, make_fifo])
def test_another_came_by_that_name(deed: Callable[[Path], None], uploads: Uploads) -> None:
    """When the name is given to something else between our look and the rename, that is put back as it is."""
    removal = uploads.add("a/cat.jpg")
    path = uploads.root / "a/cat.jpg"
    found: list[os.stat_result] = []

    class Swapped(Quarantine):
        def take_in(self, parent: int, name: bytes, path_taken: bytes) -> None:
            deed(path)
            found.append(os.lstat(path))
            super().take_in(parent, name, path_taken)

    with uploads.opened(Swapped) as quarantine:
        taken = take(quarantine, removal)
        assert isinstance(taken, Taken)
        assert settle(quarantine, taken) is Outcome.CHANGED
        taken.close()
    assert os.path.samestat(os.lstat(path), found[0])
    assert uploads.quarantined() == []


def test_its_folder_goes_meanwhile(uploads: Uploads) -> None:
    """A file whose folder was removed while it was away gets it back, as open as the one above."""
    removal = uploads.add("a/b/cat.jpg")
    uploads.root.chmod(0o751)

    def meanwhile() -> None:
        link_elsewhere(next(uploads.quarantine.iterdir()))
        (uploads.root / "a/b").rmdir()
        (uploads.root / "a").rmdir()

    assert uploads.remove_while(removal, meanwhile) is Outcome.CHANGED
    assert uploads.files() == {"a/b/cat.jpg": CONTENT}
    assert (uploads.root / "a/b").stat().st_mode & 0o777 == 0o751


def test_taken_out_of_the_quarantine(uploads: Uploads) -> None:
    """A file that somebody takes out of the quarantine is theirs; another in its place is put back."""
    removal = uploads.add("cat.jpg")
    saved = uploads.root / "saved"
    assert uploads.remove_while(removal, lambda: next(uploads.quarantine.iterdir()).rename(saved)) is Outcome.CHANGED
    assert uploads.files() == {"saved": CONTENT}

    removal = uploads.add("cat.jpg")
    assert uploads.remove_while(removal, lambda: replace(next(uploads.quarantine.iterdir()))) is Outcome.CHANGED
    assert uploads.files() == {"saved": CONTENT, "cat.jpg": NEWER}
