"""An application's folder, and where its releases are published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.fetch.published import Published
from vawsum_agent.deploy.layout import AppFolder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """Nothing was ever deployed to it."""
    return AppFolder(tmp_path / "web")


@pytest.fixture
def published(tmp_path: Path) -> Published:
    """Nothing was ever published there."""
    (tmp_path / "bucket").mkdir()
    return Published(tmp_path / "bucket")
