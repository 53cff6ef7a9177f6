"""What a unit hides is told by its text, as systemd reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.images.folders import folder_at
from vawsum_agent.images.doctor.confinement import Confinement
from vawsum_agent.images.units import daemon_drop_in, helper_drop_in

UNITS = Path(__file__).parents[4] / "systemd"
DAEMON = (UNITS / "vawsum-agent.service").read_text()
HELPER = (UNITS / "vawsum-agent-owner@.service").read_text()
PATHS = [
    "/var/www/app/uploads",
    "/srv/uploads",
    "/home/shop/uploads",
    "/root/x",
    '/var/www/my shop/up"lo:a\\ds%H/ü',
]


@pytest.mark.parametrize("path", PATHS)
def test_daemons_unit_hides_it_until_the_drop_in_is_there(path: str) -> None:
    """The shipped unit hides where applications lie; the drop-in that is printed opens that folder, and no other."""
    folder = folder_at(Path(path))
    assert Confinement.of(DAEMON).hides(path)
    opened = Confinement.of(f"{DAEMON}\n# a drop-in\n{daemon_drop_in([folder])}")
    assert not opened.hides(path)
    assert not opened.hides(f"{path}/sub")
    assert opened.hides(f"{path}-other")


@pytest.mark.parametrize("path", ["/data/uploads", "/var/wwwx", "/var/lib/app"])
def test_daemon_sees_the_rest(path: str) -> None:
    """A folder elsewhere needs nothing."""
    assert not Confinement.of(DAEMON).hides(path)


def test_what_is_made_inaccessible_stays_so() -> None:
    """Opening a folder below does not help there."""
    path = "/var/lib/mysql/uploads"
    assert Confinement.of(DAEMON + daemon_drop_in([folder_at(Path(path))])).hides(path)
    assert Confinement.of(f"ProtectHome=yes\nBindReadOnlyPaths={PATHS[2]}").hides(PATHS[2])


@pytest.mark.parametrize("path", ["/home/shop/uploads", "/usr/share/app/uploads", "/var/spool/app", "/etc/app"])
def test_helpers_unit_needs_its_drop_in(path: str) -> None:
    """Where the shipped unit lets nobody write, the drop-in that is printed does."""
    before = Confinement.of(HELPER)
    assert before.hides(path) or before.keeps_from_writing(path)
    after = Confinement.of(HELPER + helper_drop_in([folder_at(Path(path))], "www-data"))
    assert not after.hides(path)
    assert not after.keeps_from_writing(path)


def test_helper_may_write_where_uploads_usually_are() -> None:
    """It needs no drop-in there."""
    for path in ("/var/www/app/uploads", "/srv/uploads", "/data/uploads"):
        assert not Confinement.of(HELPER).hides(path)
        assert not Confinement.of(HELPER).keeps_from_writing(path)


def test_an_empty_value_forgets_those_before_it() -> None:
    """As in every list of a unit; comments are none of it."""
    head = "TemporaryFileSystem=/a /b:ro\nTemporaryFileSystem=\n#TemporaryFileSystem=/c\n"
    text = head + " TemporaryFileSystem = /d:ro\\\n /e\n"
    confinement = Confinement.of(text)
    assert [path for path in ("/a", "/b", "/c", "/d", "/e") if confinement.hides(path)] == ["/d", "/e"]


def test_strict_is_read_only_everywhere_else() -> None:
    """ProtectSystem=strict, and the setting that came last counts."""
    confinement = Confinement.of("ProtectSystem=full\nProtectSystem=strict\nReadWritePaths=-/srv/a")
    assert confinement.keeps_from_writing("/data")
    assert not confinement.keeps_from_writing("/srv/a/b")


def test_no_unit_keeps_nothing() -> None:
    """Without systemd there is nothing to hide anything."""
    assert Confinement.of("") == Confinement()
