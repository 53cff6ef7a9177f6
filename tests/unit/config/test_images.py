"""``[images]``: folders that move to a bucket. What would lose a picture, or hide one, refuses to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import violations_of
from vawsum_agent.config.load import load

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = """[[images.folder]]
name = "app"
path = "/var/www/vawsum/shared/uploads"
bucket = "vawsum-images"
public_url = "https://images.vawsum.com/uploads/"
"""


def refused(folder: Path, text: str) -> tuple[str, str]:
    """The key and the expectation of the one violation in ``text``."""
    (violation,) = violations_of(folder, text)
    return violation.key, violation.expected


def test_defaults(tmp_path: Path) -> None:
    """A folder needs a name, a path, a bucket and an address; the rest is what most want."""
    (tmp_path / "agent.toml").write_text(FOLDER)
    images = load(tmp_path / "agent.toml").config.images
    assert images is not None
    (folder,) = images.folder
    assert float(folder.min_age) == 600
    assert (folder.delete_local, folder.owner) == (True, "www-data")
    assert folder.types == ["image/jpeg", "image/png", "image/gif", "image/webp"]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('path = "/"', "path"),
        ('path = "/var/www/../etc"', "path"),
        ('path = "/var/www/"', "path"),
        ('path = "//var"', "path"),
        ('path = "uploads"', "path"),
        ('bucket = "Vawsum"', "bucket"),
        ('bucket = "a..b"', "bucket"),
        ('prefix = "/uploads/"', "prefix"),
        ('prefix = "a//b/"', "prefix"),
        ('prefix = "../"', "prefix"),
        ('types = ["image/svg+xml"]', "types[0]"),
        ('types = ["text/html"]', "types[0]"),
        ("types = []", "types"),
        ('min_age = "0s"', "min_age"),
        ('public_url = "https://images.vawsum.com/uploads"', "public_url"),
        ('public_url = "https://images.vawsum.com/$1/"', "public_url"),
        ('public_url = "javascript:alert(1)/"', "public_url"),
        ('url_path = "uploads"', "url_path"),
        ('url_path = "/up loads/"', "url_path"),
        ('owner = "root"', "owner"),
        ('owner = "-x"', "owner"),
        ('cache_control = "a\\nb"', "cache_control"),
    ],
)
def test_values_that_are_refused(tmp_path: Path, line: str, key: str) -> None:
    """Whatever could lead out of the folder, into another header or to another host is no value."""
    name = line.partition(" ")[0]
    text = "\n".join(given for given in FOLDER.splitlines() if not given.startswith(name + " "))
    assert refused(tmp_path, f"{text}\n{line}\n")[0] == f"images.folder[0].{key}"


def test_moving_without_an_address(tmp_path: Path) -> None:
    """A picture that is removed here must be served from somewhere; copies need no address."""
    text = "\n".join(line for line in FOLDER.splitlines() if not line.startswith("public_url"))
    key, expected = refused(tmp_path, text)
    assert key == "images.folder[0].public_url"
    assert "moved image is served" in expected
    (tmp_path / "agent.toml").write_text(text + "\ndelete_local = false\n")
    assert load(tmp_path / "agent.toml").config.images is not None


@pytest.mark.parametrize("path", ["/var/www/vawsum/shared/uploads", "/var/www/vawsum/shared/uploads/2026", "/var/www"])
def test_folders_within_each_other(tmp_path: Path, path: str) -> None:
    """A file belongs to one folder; both places are named."""
    other = FOLDER.replace('"app"', '"other"').replace("/var/www/vawsum/shared/uploads", path)
    (violation,) = violations_of(tmp_path, FOLDER + other)
    assert violation.key == "images.folder[1].path"
    assert "images.folder[0]" in violation.expected


def test_folders_side_by_side(tmp_path: Path) -> None:
    """A name that begins like another's is another folder."""
    other = FOLDER.replace('"app"', '"other"').replace("shared/uploads", "shared/uploads-2")
    (tmp_path / "agent.toml").write_text(FOLDER + other)
    assert load(tmp_path / "agent.toml").config.images is not None


def test_folders_at_one_address(tmp_path: Path) -> None:
    """A picture's address leads to one folder; both places are named. Another url_path mends it."""
    other = FOLDER.replace('"app"', '"other"').replace("vawsum/shared/uploads", "other/uploads")
    (violation,) = violations_of(tmp_path, FOLDER + other)
    assert violation.key == "images.folder[1].url_path"
    assert "images.folder[0]" in violation.expected
    assert "/uploads/" in violation.expected
    assert violations_of(tmp_path, FOLDER + other + 'url_path = "/other/"\n') == []


def test_duplicate_names(tmp_path: Path) -> None:
    """A name stands for one folder."""
    other = FOLDER.replace("shared/uploads", "shared/avatars")
    (violation,) = violations_of(tmp_path, FOLDER + other)
    assert violation.key == "images.folder[1].name"


@pytest.mark.parametrize("text", ["[images]\n", "[images]\nfolder = []\n"])
def test_no_folder(tmp_path: Path, text: str) -> None:
    """An images table that moves nothing is a mistake."""
    assert refused(tmp_path, text) == ("images.folder", "at least one [[images.folder]]")
