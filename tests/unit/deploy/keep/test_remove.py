"""Releases taken off the host: their names first, then all that belongs to them, whenever it is killed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.keep.killing import killed_everywhere
from vawsum_agent.core.errors import DeployError, UsageError
from vawsum_agent.deploy.keep.remove import finish_removals, present_releases, remove_release
from vawsum_agent.deploy.layout import AppFolder

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "20261129T101500Z-4f2a91c", "20261130T101500Z-0011223"


def everything(app: AppFolder) -> list[str]:
    """All files and links below an application's path, sorted."""
    return sorted(
        str(path.relative_to(app.path)) for path in app.path.rglob("*") if path.is_symlink() or path.is_file()
    )


def add(app: AppFolder, release: str) -> None:
    """Add what a release consists of."""
    for path in (
        app.release(release) / "a/b/index.php",
        app.seals / f"{release}.json",
        app.secrets / release / "c/.env",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """Two releases, the newer one served."""
    app = AppFolder(tmp_path / "web")
    add(app, OLD)
    add(app, NEW)
    app.current.symlink_to(app.target(NEW))
    return app


OF_NEW = [f".vawsum/seals/{NEW}.json", "current", f"releases/{NEW}/a/b/index.php", f"secrets/{NEW}/c/.env"]


def test_removed(app: AppFolder) -> None:
    """With its seal and its secrets, and nothing of another; once is enough."""
    assert present_releases(app) == [OLD, NEW]
    remove_release(app, OLD)
    remove_release(app, OLD)
    assert everything(app) == OF_NEW
    assert present_releases(app) == [NEW]
    assert finish_removals(app) == []


def test_what_is_served(app: AppFolder) -> None:
    """It is never removed, whoever asks."""
    before = everything(app)
    with pytest.raises(DeployError, match=f"{NEW} is not removed: .*current points to it"):
        remove_release(app, NEW)
    with pytest.raises(UsageError):
        remove_release(app, "../shared")
    assert everything(app) == before


def test_nothing_there(tmp_path: Path) -> None:
    """An application that was never deployed has no releases, and nothing to finish."""
    assert present_releases(AppFolder(tmp_path / "web")) == []
    assert finish_removals(AppFolder(tmp_path / "web")) == []


def test_present(app: AppFolder) -> None:
    """Only folders with the name of a release are releases."""
    for name in (f".{OLD}.partial", f".{OLD}.removing", "tmp"):
        (app.releases / name).mkdir()
    (app.releases / "20261201T101500Z-0011223").touch()
    (app.releases / "20261202T101500Z-0011223").symlink_to(NEW)
    assert present_releases(app) == [OLD, NEW]


@pytest.mark.parametrize("by", ["removal", "finish"])
def test_killed_everywhere(app: AppFolder, by: str) -> None:
    """Whatever is left then is removed by the next removal of it, or by whoever finishes what was begun."""
    kills = 0
    for _ in killed_everywhere(lambda: remove_release(app, OLD), str(app.path)):
        kills += 1
        assert set(OF_NEW) <= set(everything(app))
        is_there = app.release(OLD).exists()
        assert not is_there or (app.secrets / OLD / "c/.env").exists()
        if by == "removal":
            remove_release(app, OLD)
        finish_removals(app)
        assert everything(app) == OF_NEW or (is_there and by == "finish")
        shutil.rmtree(app.release(OLD), ignore_errors=True)
        add(app, OLD)
    assert kills > 5
    assert everything(app) == OF_NEW
    assert list(app.releases.iterdir()) == [app.release(NEW)]
