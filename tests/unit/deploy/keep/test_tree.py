"""Removing a tree: all of it, nothing beside it."""

from __future__ import annotations

import os
import pwd
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.unit.deploy.keep.meddling import remove_tree_while
from vawsum_agent.deploy.keep.tree import remove_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FOLDER = os.O_RDONLY | os.O_DIRECTORY


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[int]:
    """A folder with files deep in a tree, as a process has it that works in it, wherever it is moved."""
    folder = tmp_path / "tree/var/cache"
    folder.mkdir(parents=True)
    for name in "abcde":
        (folder / name).touch()
    descriptor = os.open(folder, FOLDER)
    yield descriptor
    os.close(descriptor)


def test_all_kinds(tmp_path: Path) -> None:
    """Links go, and what they point to stays."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_bytes(b"x")
    tree = tmp_path / "tree"
    (tree / "a/b/c").mkdir(parents=True)
    (tree / "a/b/file").touch()
    (tree / "a/link").symlink_to("../../outside")
    (tree / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(tree / "pipe")
    os.link(tmp_path / "outside/file", tree / "again")
    remove_tree(tmp_path, "tree")
    remove_tree(tmp_path, "tree")
    assert list(tmp_path.iterdir()) == [tmp_path / "outside"]
    assert (tmp_path / "outside/file").read_bytes() == b"x"


def test_a_link_itself(tmp_path: Path) -> None:
    """A link in the place of the tree goes, and a file does."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "link").symlink_to("outside")
    (tmp_path / "file").touch()
    remove_tree(tmp_path, "link")
    remove_tree(tmp_path, "file")
    assert list(tmp_path.iterdir()) == [tmp_path / "outside"]


def test_deeper_than_paths_can_be(tmp_path: Path) -> None:
    """However deep somebody made it, no path is too long, and no stack too small."""
    name = "deep" * 50
    (tmp_path / "tree").mkdir()
    descriptor = os.open(tmp_path / "tree", os.O_RDONLY)
    for _ in range(count(30, 1500)):
        os.mkdir(name, dir_fd=descriptor)
        deeper = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = deeper
    os.close(descriptor)
    remove_tree(tmp_path, "tree")
    assert list(tmp_path.iterdir()) == []


def test_somebody_still_writes(tmp_path: Path) -> None:
    """A process that leaves files meanwhile delays it, and no more."""
    cache = tmp_path / "tree/var/cache"
    cache.mkdir(parents=True)
    descriptor = os.open(cache, os.O_RDONLY)
    is_begun = threading.Event()

    def write() -> None:
        for number in range(300):
            try:
                os.close(os.open(f"{number}", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
            except FileNotFoundError:
                return
            if number == 20:
                is_begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    is_begun.wait(10)
    try:
        while True:
            try:
                remove_tree(tmp_path, "tree")
            except OSError:
                continue
            break
    finally:
        writer.join()
        os.close(descriptor)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root takes a folder from somebody else")
def test_the_application_leaves_nothing_there_any_more(tmp_path: Path, cache: int) -> None:
    """A process of its own that still works in its folder holds up no removal, whatever it does there, and when."""
    nobody = pwd.getpwnam("nobody")
    os.fchmod(cache, 0o777)
    os.fchown(cache, nobody.pw_uid, nobody.pw_gid)

    def meddle(number: int, _name: str, _folder: int) -> None:
        os.seteuid(nobody.pw_uid)
        with suppress(PermissionError):
            os.fchmod(cache, 0o777)
        with suppress(PermissionError):
            os.close(os.open(f"new-{number}", os.O_CREAT | os.O_WRONLY, dir_fd=cache))
        with suppress(PermissionError):
            os.mkdir(f"folder-{number}", dir_fd=cache)
        os.seteuid(0)

    remove_tree_while(tmp_path, "tree", "os.rmdir", meddle)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("event", "remove"), [("os.remove", os.unlink), ("os.rmdir", os.rmdir)])
def test_somebody_else_is_faster(tmp_path: Path, cache: int, event: str, remove: Callable[..., object]) -> None:
    """A clean-up of the application's that takes all from under our hands: what is left goes nevertheless."""
    os.close(os.open("f", os.O_CREAT, dir_fd=cache))
    remove_tree_while(tmp_path, "tree", event, lambda _, name, folder: remove(name, dir_fd=folder))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("cache")
def test_a_file_becomes_a_folder(tmp_path: Path) -> None:
    """Right before it is removed: it is looked at again."""

    def swap(number: int, name: str, folder: int) -> None:
        if number == 0:
            os.unlink(name, dir_fd=folder)
            os.mkdir(name, dir_fd=folder)

    remove_tree_while(tmp_path, "tree", "os.remove", swap)
    assert list(tmp_path.iterdir()) == []
