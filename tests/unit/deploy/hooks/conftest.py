"""What tests of hooks share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.hooks.running import Hooks

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def hooks(tmp_path: Path) -> Hooks:
    """Hooks of a release whose folder is `tmp_path`."""
    return Hooks(tmp_path)
