"""Doctor tells what is in a folder: what is due, what can't move and why, what a crash left."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.doctor.looking import ME, only
from tests.unit.images.folders import JPEG, folder_at, put
from vawsum_agent.config.model import Seconds
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.doctor.contents import contents, leftovers
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder

DUE_AT_ONCE = Seconds(-1.0)


@pytest.fixture
def folder(tmp_path: Path) -> ImagesFolder:
    """An empty folder in which everything is due at once."""
    (tmp_path / "uploads").mkdir()
    return folder_at(tmp_path / "uploads", owner=ME, min_age=DUE_AT_ONCE)


def looked_at(folder: ImagesFolder) -> list[Finding]:
    """All that is found."""
    return list(contents(folder))


def test_a_healthy_folder(folder: ImagesFolder, tmp_path: Path) -> None:
    """How much is due, and that other files are in it, is no trouble."""
    put(tmp_path / "uploads", "a.jpg")
    put(tmp_path / "uploads", "b/c.pdf")
    found = looked_at(folder)
    assert {finding.severity for finding in found} == {Severity.OK}
    assert found[0].what == f"1 image due ({len(JPEG)} B), 0 too young"
    assert "1 file left alone, such as b/c.pdf: other-extension" in found[1].what


def test_what_can_not_move_is_named_with_its_reason(folder: ImagesFolder, tmp_path: Path) -> None:
    """Code comes first, then by how many there are; each with an example, its meaning and what to do."""
    uploads = tmp_path / "uploads"
    put(uploads, "shell.jpg", b"<?php system($_GET['c']);")
    for number in range(3):
        put(uploads, f"text-{number}.jpg", b"no picture")
    put(uploads, "\x1b[2J.jpg")
    os.link(uploads / put(uploads, "one.jpg").decode(), uploads / "two.jpg")
    found = [finding for finding in looked_at(folder) if finding.severity is not Severity.OK]
    reasons = [reason for finding in found for reason in Reason if f": {reason}, " in finding.what]
    assert reasons[0] is Reason.PHP_CODE
    assert reasons[1] is Reason.NOT_AN_IMAGE
    assert set(reasons[2:]) == {Reason.HARDLINK, Reason.NAME_WITH_CONTROL_CHARACTERS}
    assert all(finding.severity is Severity.WARNING and finding.remedy for finding in found)
    assert all(finding.what.isprintable() for finding in found)
    assert "3 files left alone, such as text-" in found[1].what


def test_a_folder_without_end_is_looked_at_in_part(folder: ImagesFolder, tmp_path: Path) -> None:
    """Doctor takes seconds: it says of how many files it speaks."""
    for number in range(30):
        put(tmp_path / "uploads", f"{number}.jpg", b"no picture")
    found = list(contents(folder, most_entries=20, most_looks=5))
    assert found[0].what.startswith("15 images due")
    assert found[0].what.endswith(", of the first 20 files")
    assert "5 files left alone" in found[1].what


def test_what_a_crash_left_in_the_quarantine(folder: ImagesFolder, tmp_path: Path) -> None:
    """Files that rest there are told, those that are being removed right now are not; it changes nothing."""
    put(tmp_path / "uploads", ".vawsum-quarantine/2026/a.jpg")
    assert [finding.severity for finding in looked_at(folder)] == [Severity.OK]
    quarantine = os.open(tmp_path / "uploads" / ".vawsum-quarantine", os.O_RDONLY)
    try:
        found = only(leftovers(quarantine, os.geteuid(), "there", rests_s=-1.0), Severity.WARNING)
    finally:
        os.close(quarantine)
    assert found.what.startswith("1 file left there by a crash")
    assert (tmp_path / "uploads" / ".vawsum-quarantine" / "2026" / "a.jpg").exists()


def test_a_quarantine_that_is_none(folder: ImagesFolder, tmp_path: Path) -> None:
    """A link in its place, or somebody else's folder, keeps everything from being removed."""
    quarantine = tmp_path / "uploads" / ".vawsum-quarantine"
    quarantine.symlink_to(tmp_path)
    assert "is a link" in only(looked_at(folder)[-1:], Severity.PROBLEM).what
    quarantine.unlink()
    quarantine.mkdir()
    if os.geteuid() == 0:
        shutil.chown(quarantine, "nobody")
        assert "belongs to nobody" in only(looked_at(folder)[-1:], Severity.PROBLEM).what


def test_a_folder_that_can_not_be_opened(tmp_path: Path) -> None:
    """That is told elsewhere."""
    assert looked_at(folder_at(tmp_path / "gone", owner=ME)) == []
    assert looked_at(folder_at(tmp_path, owner="no-such-user")) == []
