"""Doctor tells whether what has moved can be removed, and removes nothing to find out."""

from __future__ import annotations

import os
import pwd
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import write
from tests.unit.images.doctor.looking import ME, OWN, no_unit, only
from tests.unit.images.folders import folder_at, put
from vawsum_agent.core.eyes import Eyes
from vawsum_agent.core.finding import Severity
from vawsum_agent.images.doctor.removing import removing
from vawsum_agent.images.remove.direct import DirectRemover
from vawsum_agent.images.remove.folders import OwnFolders
from vawsum_agent.images.remove.helper import Helper
from vawsum_agent.images.remove.listening import bound, serve_until_idle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder

OWNER = "nobody"
DAEMON = Eyes("vawsum-agent", 54_321, 54_321, (54_321,))


@pytest.fixture
def folder(tmp_path: Path) -> ImagesFolder:
    """A folder of another user than the daemon's."""
    put(tmp_path / "uploads", "a.jpg")
    return folder_at(tmp_path / "uploads", owner=OWNER)


@contextmanager
def helper(tmp_path: Path, path: str) -> Iterator[None]:
    """Run the owner's helper, whose configuration has one folder at ``path``."""
    lines = f'[[images.folder]]\nname = "app"\npath = "{path}"\nbucket = "vawsum-images"\nowner = "{OWNER}"\n'
    config = write(tmp_path, lines + 'public_url = "https://images.test/"\n')
    uid = pwd.getpwnam(OWNER).pw_uid
    answering = Helper(OwnFolders(config, uid), DirectRemover(), frozenset({os.geteuid()}))
    with bound(tmp_path / f"{OWNER}.sock") as listener:
        thread = threading.Thread(target=lambda: serve_until_idle(listener, answering.serve, idle_exit_s=1.0))
        thread.start()
        yield
        thread.join(60)


def test_a_helper_that_answers(tmp_path: Path, folder: ImagesFolder) -> None:
    """It would act for this folder; nothing in it changes, and no quarantine is made."""
    with helper(tmp_path, folder.path):
        found = only(removing(folder, DAEMON, str(tmp_path), no_unit), Severity.OK)
    assert f"the helper of {OWNER} answers" in found.what
    assert os.listdir(folder.path) == ["a.jpg"]  # noqa: PTH208 - the names


def test_no_helper(tmp_path: Path, folder: ImagesFolder) -> None:
    """The remedy is the command that starts it."""
    found = only(removing(folder, DAEMON, str(tmp_path), no_unit), Severity.PROBLEM)
    assert found.remedy == f"systemctl enable --now vawsum-agent-owner@{OWNER}.socket"
    assert "nothing moves" in found.what


def test_a_helper_that_knows_no_such_folder(tmp_path: Path, folder: ImagesFolder) -> None:
    """It reads the configuration itself, and may have another."""
    with helper(tmp_path, f"{folder.path}-other"):
        found = only(removing(folder, DAEMON, str(tmp_path), no_unit), Severity.PROBLEM)
    assert "has no folder 'app'" in found.what


def test_a_helper_that_its_unit_keeps_from_writing(tmp_path: Path, folder: ImagesFolder) -> None:
    """It answers all the same: what it may do is told by its unit's text."""
    asked: list[str] = []

    def unit_text(unit: str) -> str:
        asked.append(unit)
        return f"[Service]\nReadOnlyPaths={tmp_path}\n"

    with helper(tmp_path, folder.path):
        found = only(removing(folder, DAEMON, str(tmp_path), unit_text), Severity.PROBLEM)
    assert asked == [f"vawsum-agent-owner@{OWNER}.service"]
    assert f"images systemd-config --owner {OWNER} > " in found.remedy


def test_the_owner_needs_no_helper(tmp_path: Path) -> None:
    """Nor does a folder whose images are only copied."""
    own = folder_at(tmp_path, owner=ME)
    assert "itself" in only(removing(own, OWN, str(tmp_path), no_unit), Severity.OK).what
    copied = folder_at(tmp_path, owner=OWNER, delete_local=False)
    assert list(removing(copied, DAEMON, str(tmp_path), no_unit)) == []
