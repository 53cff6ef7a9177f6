"""The images scene succeeds only when every picture is where it should be, and no visitor missed one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.demo.images_verdict import ImagesVerdict, files_below, read_left_alone
from sandbox.host import Album

if TYPE_CHECKING:
    from pathlib import Path

VERDICT = ImagesVerdict(
    uploaded={"a.jpg": "1", "b.jpg": "2"},
    stored={"a.jpg": "1", "b.jpg": "2"},
    local=frozenset({"script.jpg"}),
    reached=frozenset({"a.jpg", "b.jpg"}),
    here=3,
    there=4,
    wrong=[],
    script="script.jpg",
    left_alone={"php-code": 1},
    refused=[],
    violations=0,
)


def test_what_was_promised_came_out() -> None:
    """When everything agrees, every promise holds, and the table says so."""
    assert all(VERDICT.promises().values())
    assert [figure for _, figure in VERDICT.rows()] == ["2", "2", "2", "3", "4", "0", "1"]


@pytest.mark.parametrize(
    "change",
    [
        {"stored": {"a.jpg": "1"}},
        {"stored": {"a.jpg": "1", "b.jpg": "older"}},
        {"stored": {"a.jpg": "1", "b.jpg": "2", "script.jpg": "3"}},
        {"uploaded": {}, "stored": {}, "reached": frozenset()},
        {"local": frozenset({"script.jpg", "b.jpg"})},
        {"local": frozenset({"script.jpg", ".vawsum-quarantine/fb.jpg"})},
        {"local": frozenset()},
        {"reached": frozenset({"a.jpg"})},
        {"here": 0},
        {"there": 0},
        {"wrong": ["a.jpg: 404 from the host"]},
        {"left_alone": {}},
        {"left_alone": {"php-code": 1, "symlink": 1}},
        {"refused": ["a.jpg: 500"]},
        {"violations": 1},
    ],
)
def test_one_thing_amiss_is_enough(change: dict[str, Any]) -> None:
    """Lost, older, doubled, out of reach, missed, moved though it may not, or nothing tried: each is a failure."""
    assert not all(replace(VERDICT, **change).promises().values())


def test_left_alone_is_read_from_status() -> None:
    """The reasons of all folders together; nothing where there is no such component."""
    folders = [{"refused": {"php-code": 1, "symlink": 2}}, {"refused": {"symlink": 1}}]
    assert read_left_alone({"details": {"folders": folders}}) == {"php-code": 1, "symlink": 3}
    assert read_left_alone({}) == {}


def test_files_below_includes_the_quarantine(tmp_path: Path) -> None:
    """What is on its way out is still here."""
    for name in ("a.jpg", ".vawsum-quarantine/fb.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_below(tmp_path) == {"a.jpg", ".vawsum-quarantine/fb.jpg"}


def test_older_versions_are_no_answer() -> None:
    """From its announcement on the new picture may be seen, from its confirmation on nothing else."""
    album = Album()
    for content in (b"old", b"new"):
        album.announce("a.jpg", content)
        if content == b"old":
            assert album.names() == []
            album.confirm("a.jpg")
    since = album.position("a.jpg")
    assert album.is_fine("a.jpg", b"old", since)
    assert album.is_fine("a.jpg", b"new", since)
    album.confirm("a.jpg")
    assert not album.is_fine("a.jpg", b"old", album.position("a.jpg"))
    assert album.is_fine("a.jpg", b"old", since)  # to whoever had asked before
    assert not album.is_fine("a.jpg", b"other", since)
