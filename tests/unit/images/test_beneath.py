"""Nothing but what lies below the folder is opened, or made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.images.beneath import made_parent_of, open_root, parent_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """A folder with a link out of it."""
    (tmp_path / "uploads").mkdir(mode=0o750)
    (tmp_path / "outside").mkdir()
    (tmp_path / "uploads/link").symlink_to(tmp_path / "outside")
    descriptor = open_root(str(tmp_path / "uploads"))
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(
    "path", [b"../outside/a.jpg", b"x/../../outside/a.jpg", b"./a.jpg", b"/etc/a.jpg", b"link/a.jpg"]
)
def test_no_way_leads_out(root: int, path: bytes, tmp_path: Path) -> None:
    """Neither dots, nor a root of its own, nor a link; and nothing is made on the way."""
    for way in (parent_of, made_parent_of):
        with pytest.raises(OSError), way(root, path):
            pass
    assert os.listdir(tmp_path / "outside") == []  # noqa: PTH208 - names
    assert sorted(os.listdir(tmp_path / "uploads")) == ["link"]  # noqa: PTH208


def test_folders_are_made_as_open_as_theirs(root: int, tmp_path: Path) -> None:
    """What the web server may enter above, it may enter below; what is there stays as it is."""
    with made_parent_of(root, b"2026/11/a.jpg") as (parent, name):
        assert name == b"a.jpg"
        assert os.path.samestat(os.fstat(parent), (tmp_path / "uploads/2026/11").stat())
    assert (tmp_path / "uploads/2026/11").stat().st_mode & 0o777 == 0o750
    with made_parent_of(root, b"2026/11/b.jpg"):
        pass
