"""Which paths a release may name."""

from __future__ import annotations

import os.path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.deploy.prepare.paths import fits, is_folder_path, overlapping, parts_of


@pytest.mark.parametrize(
    "path", ["a", "a/b", "a/", ".env", "public/uploads/", "a b", "ärger", "..a", "x" * 255, "storage/deploy.toml"]
)
def test_within_the_release(path: str) -> None:
    """Plain relative paths; a slash at the end says that it is a folder."""
    assert fits(path)
    assert is_folder_path(path) == (path[-1] == "/")
    assert parts_of(path) == path.rstrip("/").split("/")


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/a", "a//", "a//b", ".", "./a", "a/.", "..", "../a", "a/../b", "a/.."),
        *("a\nb", "a\0", "\x1b[2J", "a\u202eb", "deploy.toml", "deploy.toml/", "x" * 256, "a/" * 600 + "b"),
    ],
)
def test_everything_else(path: str) -> None:
    """Leads out of it, has two spellings, can't be shown, can't be a name, or is the file that says so itself."""
    assert not fits(path)


@given(st.text("ab./\0", max_size=9))
def test_what_fits_stays_inside(path: str) -> None:
    """However it is made."""
    if fits(path):
        assert os.path.normpath(f"/release/{path}") == f"/release/{path.removesuffix('/')}"


def test_overlapping() -> None:
    """The same, or one within the other, wherever they stand; not merely a name that begins alike."""
    assert overlapping(["b/c", "a", "a-b/c", "a.b"]) is None
    assert overlapping([]) is None
    assert overlapping(["a/b/c", "a-b", "a"]) == ("a", "a/b/c")
    assert overlapping(["a/", "b", "a"]) == ("a", "a/")


@given(st.lists(st.sampled_from(["a", "a/b", "a/b/c", "a-b", "a/c", "b", "b/a/c", "a!"]), max_size=5))
def test_overlapping_finds_all(paths: list[str]) -> None:
    """As each compared with each would."""
    is_one = any(
        i != j and f"{one}/".startswith(f"{two}/") for i, one in enumerate(paths) for j, two in enumerate(paths)
    )
    assert (overlapping(paths) is not None) == is_one
