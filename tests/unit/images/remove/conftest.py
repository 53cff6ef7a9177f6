"""An upload folder for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.images.remove.taking import Uploads

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """An empty upload folder."""
    return Uploads(tmp_path / "uploads")
