"""A folder and all that moving its files takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.images.move.moving import Ground

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Files of it move."""
    made = Ground(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def copying(tmp_path: Path) -> Iterator[Ground]:
    """Files of it are copied only."""
    made = Ground(tmp_path, delete_local=False)
    yield made
    made.store.close()
