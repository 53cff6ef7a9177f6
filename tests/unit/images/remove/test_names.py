"""What files are called in the quarantine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.images.beneath import QUARANTINE
from vawsum_agent.images.remove.names import is_plain, may_be_folder, path_of, pieces_of

PARTS = st.binary(min_size=1, max_size=255).map(lambda part: part.replace(b"/", b"%").replace(b"\0", b"f"))
PATHS = st.lists(PARTS, min_size=1, max_size=16).map(b"/".join).filter(is_plain)


@given(PATHS)
def test_every_path_has_names_that_tell_it(path: bytes) -> None:
    """Whatever a file is called, its names fit a folder, are no way out of it, and give its path back."""
    pieces = pieces_of(path)
    assert path_of(pieces) == path
    assert all(0 < len(piece) <= 255 and not {0, ord("/")} & set(piece) for piece in pieces)
    assert not {b".", b".."} & set(pieces)
    assert all(may_be_folder(piece) for piece in pieces[:-1])
    assert not may_be_folder(pieces[-1])


@given(st.lists(st.binary(min_size=1, max_size=255), min_size=1, max_size=3))
def test_names_of_others_are_told(names: list[bytes]) -> None:
    """Any other name is nobody's path, or exactly that of the file that we would call so."""
    path = path_of(tuple(names))
    assert path is None or (is_plain(path) and pieces_of(path) == tuple(names))


def test_usual_paths_need_no_folder() -> None:
    """A usual path is one name that a person can read: a disk out of inodes has no room for a folder."""
    assert pieces_of(b"2026/11/cat 100%.jpg") == (b"f2026%2F11%2Fcat 100%25.jpg",)


@pytest.mark.parametrize(
    "path",
    [
        b"",
        b"/etc/passwd",
        b"a//b",
        b"a/",
        b"../a",
        b"a/../b",
        b"./a",
        b"a\0b",
        QUARANTINE,
        QUARANTINE + b"/fa.jpg",
        b"a" * 4097,
    ],
)
def test_paths_that_lead_elsewhere(path: bytes) -> None:
    """What is not one spelling of a path below the folder, and outside of the quarantine, is no path."""
    assert not is_plain(path)


@pytest.mark.parametrize(
    "names", [(b"f..",), (b"f%2Fetc",), (b"fa%2F..%2Fb",), (b"fa%2fb",), (b"fa%",), (b"d" + b"a" * 9, b"fb"), (b"x",)]
)
def test_names_that_lead_elsewhere(names: tuple[bytes, ...]) -> None:
    """A name that somebody planted leads nowhere outside of the folder."""
    assert path_of(names) is None
