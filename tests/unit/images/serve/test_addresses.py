"""Where folders are served: two that could not be told apart are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.images.folders import folder_at
from vawsum_agent.images.serve.addresses import AddressError, addresses

URL = "https://images.vawsum.test/"


def test_path_of_the_site() -> None:
    """It is as configured, else the last part of the folder's path."""
    assert folder_at(Path("/srv/app/up loads")).served_at == "/up loads/"
    assert folder_at(Path("/srv/app/uploads"), url_path="/media/pictures/").served_at == "/media/pictures/"


def test_folders_without_an_address_are_left_out() -> None:
    """A folder without a public URL has nowhere to send anybody."""
    folders = [folder_at(Path("/a/uploads")), folder_at(Path("/b/uploads"), name="b", public_url=URL)]
    assert [address.folder.name for address in addresses(folders)] == ["b"]


def test_two_at_the_same_path() -> None:
    """A request can't be for two folders: both are named, and what to set."""
    folders = [folder_at(Path(f"/{name}/uploads"), name=name, public_url=URL) for name in ("a", "b")]
    with pytest.raises(AddressError, match=r'images.folder "a" and "b" are both served at /uploads/ .*url_path'):
        addresses(folders)


def test_inmost_first() -> None:
    """A folder that is served within another comes before it, and the outer one knows what is not its own."""
    outer = folder_at(Path("/a/uploads"), name="outer", public_url=URL)
    inner = folder_at(Path("/b/x"), name="inner", public_url=URL, url_path="/uploads/avatars/")
    beside = folder_at(Path("/c/uploads-2"), name="beside", public_url=URL)
    found = [(address.folder.name, address.inner) for address in addresses([outer, beside, inner])]
    assert found == [("inner", ()), ("beside", ()), ("outer", ("avatars/",))]


@pytest.mark.parametrize("path", ["/a/b\nRequire all granted", "/a/\r", "/a/\x00", "/a/\u2028"])
def test_a_path_that_breaks_lines(path: str) -> None:
    """A folder that no line of a configuration can name is refused, in one line."""
    with pytest.raises(AddressError) as caught:
        addresses([folder_at(Path(path), public_url=URL)])
    assert str(caught.value).isprintable()
    assert "control characters" in str(caught.value)
