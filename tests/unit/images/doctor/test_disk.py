"""Doctor tells how full the disk is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.images.doctor.looking import only
from tests.unit.images.folders import folder_at
from vawsum_agent.config.model import ImagesConfig
from vawsum_agent.core.finding import Severity
from vawsum_agent.images.doctor.disk import disks, of_usage
from vawsum_agent.images.move.pressure import Usage

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("usage", "severity"),
    [
        (Usage(84, 20), Severity.OK),
        (Usage(85, 20), Severity.WARNING),
        (Usage(20, 85), Severity.WARNING),
        (Usage(20, 100), Severity.PROBLEM),
        (Usage(100, 20), Severity.WARNING),
    ],
)
def test_watermark(usage: Usage, severity: Severity) -> None:
    """Above the watermark images hurry; without an inode nothing goes on. A disk without space is what moving mends."""
    only([of_usage(usage, ImagesConfig(disk_watermark=85), "/")], severity)


def test_each_disk_is_looked_at_once(tmp_path: Path) -> None:
    """Folders on one disk are told of together; a missing one is told elsewhere."""
    folders = [folder_at(tmp_path / name, name=name) for name in ("a", "b", "gone")]
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (found,) = disks(ImagesConfig(folder=folders, disk_watermark=100))
    assert found.where == f"disk of {tmp_path / 'a'}"
