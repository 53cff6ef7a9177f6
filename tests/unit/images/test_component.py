"""The images capability as a component: what its status says of its folders."""

from __future__ import annotations

import getpass
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.folders import folder_at, put
from vawsum_agent.config.model import ImagesConfig
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.images.component import ImagesComponent
from vawsum_agent.images.remove.direct import DirectRemover
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.move.mover import Uploader

LIMIT_S = 30.0


def no_uploader(_: ImagesFolder) -> Uploader:
    """These folders hold nothing that is due."""
    return None  # type: ignore[return-value]


@contextmanager
def running(store: Store, folders: Sequence[ImagesFolder]) -> Iterator[ImagesComponent]:
    """Run the component."""
    config = ImagesConfig(folder=list(folders))
    component = ImagesComponent(config, store, no_uploader, lambda _: DirectRemover(), SystemClock())
    component.start()
    try:
        yield component
    finally:
        component.stop()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open an empty store."""
    opened = Store.open(tmp_path / "state.db", SystemClock())
    yield opened
    opened.close()


def test_pending_is_told_when_it_is_known(store: Store, tmp_path: Path) -> None:
    """The measure is there once every folder has been looked at: a folder that is hidden makes it no 0, but none."""
    owner = getpass.getuser()
    seen = folder_at(tmp_path / "seen", name="seen", owner=owner)
    put(tmp_path / "seen", "a.jpg")
    hidden = folder_at(tmp_path / "hidden", name="hidden", owner=owner)
    with running(store, [seen, hidden]) as component:
        ends_at = time.monotonic() + LIMIT_S
        while not _row(component, "seen")["scanned_at"] and time.monotonic() < ends_at:
            time.sleep(0.01)
        assert _row(component, "seen")["young_count"] == 1
        assert component.status().measures == {}
    (tmp_path / "hidden").mkdir()
    with running(store, [seen, hidden]) as component:
        ends_at = time.monotonic() + LIMIT_S
        while not component.status().measures and time.monotonic() < ends_at:
            time.sleep(0.01)
        assert component.status().measures == {"vawsum_images_pending": 0.0}


def _row(component: ImagesComponent, name: str) -> dict[str, object]:
    rows = component.status().details["folders"]
    assert isinstance(rows, list)
    return next(row for row in rows if row["name"] == name)
