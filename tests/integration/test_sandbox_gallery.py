"""The local site takes pictures and leads to those that went, be it the real Apache or the stand-in."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from sandbox.host import Album, Gallery, Uploads, Visitors, make_gallery
from sandbox.host.gallery import owner_here
from sandbox.host.stand_in_gallery import StandInGallery
from sandbox.servers.process import open_directory
from vawsum_agent.config.model import ImagesFolder
from vawsum_agent.images.serve.apache import apache_configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUCKET = "vawsum-images"
NAMES = ["photo.jpg", "class 7 + 1.jpg"]


def make_stand_in(directory: Path) -> Gallery:
    """Lay out the stand-in, also where real servers are installed."""
    return StandInGallery(directory, owner_here())


@contextmanager
def served(making: Callable[[Path], Gallery], public_url: str) -> Iterator[tuple[Gallery, Album, Uploads, Visitors]]:
    """Serve a site, with people at it who do nothing by themselves."""
    with open_directory("vawsum-gallery-") as directory:
        gallery = making(directory / "site")
        folder = ImagesFolder(
            name="app", path=str(gallery.folder), bucket=BUCKET, public_url=public_url, owner=gallery.owner
        )
        rules = directory / "rules.conf"
        rules.write_text(apache_configuration([folder]))
        album = Album()
        with gallery.serving(rules, public_url):
            yield gallery, album, Uploads(gallery, album, 1), Visitors(gallery, album, 0, 0)


@pytest.mark.parametrize("making", [make_gallery, make_stand_in])
def test_pictures_come_and_go(making: Callable[[Path], Gallery]) -> None:
    """A picture is the owner's file, and seen; once it went, it is seen where the site leads to, or is missed."""
    with Sandbox.start() as sandbox:
        sandbox.create_bucket(BUCKET)
        with served(making, sandbox.public_url(BUCKET)) as (gallery, album, uploads, visitors):
            for name in NAMES:
                uploads.upload(name, uploads.picture())
                assert (gallery.folder / name).owner() == gallery.owner
                assert not visitors.look_at(name)
            assert (visitors.here, visitors.there, visitors.wrong, uploads.refused) == (2, 0, [], [])
            for name in NAMES:
                sandbox.put_object(BUCKET, name, (gallery.folder / name).read_bytes())
                os.unlink(gallery.folder / name)  # noqa: PTH108 - as the agent does
                assert visitors.look_at(name)
            assert (visitors.here, visitors.there, visitors.wrong) == (2, 2, [])
            sandbox.put_object(BUCKET, NAMES[0], b"another picture")
            album.announce("gone.jpg", b"gone")
            album.confirm("gone.jpg")
            assert not visitors.look_at(NAMES[0])
            assert not visitors.look_at("gone.jpg")
            assert visitors.wrong == [
                "photo.jpg: other bytes where the host led to",
                "gone.jpg: 403 where the host led to",
            ]


@pytest.mark.parametrize("making", [make_gallery, make_stand_in])
def test_what_has_no_pictures_name_is_not_taken(making: Callable[[Path], Gallery]) -> None:
    """Nothing is written outside the folder, and no script; a picture's content is not looked at."""
    with served(making, "https://images.vawsum.test/") as (gallery, _, uploads, _):
        assert not any(uploads.post(name, b"x") for name in ("a.php", ".htaccess", "a.php.jpg"))
        assert uploads.post("script.jpg", b"<?php echo 6 * 7;")
        assert [path.name for path in gallery.folder.iterdir()] == ["script.jpg"]
        assert len(uploads.refused) == 3
