"""Removing a tree: all of it, nothing beside it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from tests.counts import count
from vawsum_agent.deploy.keep.tree import remove_tree

if TYPE_CHECKING:
    from pathlib import Path


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
