"""Doctor tells what is wrong with a folder, as the daemon would meet it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.doctor.looking import ME, OWN, STRANGER, no_unit, only
from tests.unit.images.folders import folder_at
from vawsum_agent.core.finding import Severity
from vawsum_agent.images.doctor.places import place
from vawsum_agent.images.doctor.view import View
from vawsum_agent.images.units import daemon_drop_in

if TYPE_CHECKING:
    from collections.abc import Callable

UNIT = "[Service]\nTemporaryFileSystem={folder}:ro\n"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can look through another user's eyes")


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """A folder of this user's, below others that everybody may pass."""
    folder = tmp_path / "site" / "uploads"
    folder.mkdir(parents=True)
    return folder


def view(daemon_pid: int | None = None, unit_text: Callable[[str], str] = no_unit, proc: Path = Path("/proc")) -> View:
    """Where the daemon looks; without a unit it sees everything."""
    return View(daemon_pid, unit_text, proc)


def test_a_folder_that_is_well(uploads: Path) -> None:
    """It is told, with whose files move."""
    found = only(place(folder_at(uploads, owner=ME), OWN, view()), Severity.OK)
    assert (found.where, ME in found.what) == (str(uploads), True)


def test_an_owner_that_does_not_exist(uploads: Path) -> None:
    """Nothing could ever move."""
    found = only(place(folder_at(uploads, owner="no-such-user"), OWN, view()), Severity.PROBLEM)
    assert "no user no-such-user" in found.what


def test_a_missing_folder_and_a_link(uploads: Path, tmp_path: Path) -> None:
    """What is missing is to be created; of a link, the path that it leads to is to be written."""
    found = only(place(folder_at(uploads / "gone", owner=ME), OWN, view()), Severity.PROBLEM)
    assert found.remedy.endswith(f"install -d -o {ME} {uploads}/gone")
    (tmp_path / "current").symlink_to(uploads.parent)
    found = only(place(folder_at(tmp_path / "current" / "uploads", owner=ME), OWN, view()), Severity.PROBLEM)
    assert "no folder of its own, but a link" in found.what
    assert "readlink -f" in found.remedy


@as_root
def test_a_folder_that_the_daemon_may_not_read(uploads: Path) -> None:
    """Root can, the daemon's user can't."""
    for folder in uploads.parents:
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o055)
    uploads.chmod(0o700)
    found = only(place(folder_at(uploads, owner=ME), STRANGER, view()), Severity.PROBLEM)
    assert (found.what, "vawsum-agent" in found.remedy) == (f"{uploads}: Permission denied", True)


@as_root
def test_a_folder_that_its_owner_can_not_write(uploads: Path) -> None:
    """Then nothing moves, since nothing could be removed; where images are only copied it is no matter."""
    uploads.chmod(0o755)
    found = only(place(folder_at(uploads, owner="www-data"), OWN, view()), Severity.PROBLEM)
    assert f"chown www-data {uploads}" in found.remedy
    only(place(folder_at(uploads, owner="www-data", delete_local=False), OWN, view()), Severity.OK)


def test_hidden_by_the_unit_before_the_daemon_runs(uploads: Path) -> None:
    """The unit's text tells what the daemon will not see; with the drop-in that the remedy installs it will."""
    unit = UNIT.format(folder=uploads.parent)
    folder = folder_at(uploads, owner=ME)
    found = only(place(folder, OWN, view(None, lambda _: unit)), Severity.PROBLEM)
    assert "is hidden from the daemon" in found.what
    assert "vawsum-agent images systemd-config > /etc/systemd/system/vawsum-agent.service.d/" in found.remedy
    only(place(folder, OWN, view(None, lambda _: unit + daemon_drop_in([folder]))), Severity.OK)


def test_seen_through_the_running_daemon(uploads: Path, tmp_path: Path) -> None:
    """What counts is what its process sees: the same folder, none, or the one that was there when it started."""
    root = tmp_path / "proc" / "7" / "root"
    folder = folder_at(uploads, owner=ME)
    root.mkdir(parents=True)
    unit = UNIT.format(folder=uploads.parent)
    running = view(7, lambda _: unit + daemon_drop_in([folder]), tmp_path / "proc")
    assert "is hidden" in only(place(folder, OWN, running), Severity.PROBLEM).what
    theirs = root / str(uploads).lstrip("/")
    theirs.mkdir(parents=True)
    found = only(place(folder, OWN, running), Severity.PROBLEM)
    assert "was replaced by a new folder" in found.what
    assert "restart vawsum-agent" in found.remedy
    theirs.rmdir()
    theirs.symlink_to(uploads)
    only(place(folder, OWN, running), Severity.OK)


def test_a_daemon_that_can_not_be_looked_at(uploads: Path, tmp_path: Path) -> None:
    """Whoever may not look through its root says nothing of it."""
    only(place(folder_at(uploads, owner=ME), OWN, view(7, no_unit, tmp_path)), Severity.OK)
