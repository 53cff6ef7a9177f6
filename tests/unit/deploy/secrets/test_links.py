"""Links to secrets in a release: at their paths, never over a file of the release, never through a folder of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.secrets import link_secrets

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "20261129T101500Z-8c31d02"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """An application with a release and two secrets of it."""
    app = AppFolder(tmp_path / "app")
    (app.release(RELEASE) / "public").mkdir(parents=True)
    (app.secrets / RELEASE / "config/keys").mkdir(parents=True)
    (app.secrets / RELEASE / ".env").write_text("A=b")
    (app.secrets / RELEASE / "config/keys/app.key").write_text("key")
    return app


def test_the_release_sees_its_secrets(app: AppFolder) -> None:
    """By relative links, in folders that are made where they are missing; twice is as once."""
    for _ in range(2):
        link_secrets(app, RELEASE, [".env", "config/keys/app.key"])
        assert (app.release(RELEASE) / ".env").read_text() == "A=b"
        assert (app.release(RELEASE) / "config/keys/app.key").read_text() == "key"
        assert str((app.release(RELEASE) / ".env").readlink()) == f"../../secrets/{RELEASE}/.env"
    assert (app.release(RELEASE) / "config").stat().st_mode & 0o777 == 0o755
    moved = app.path.rename(app.path.with_name("moved"))
    assert (moved / "releases" / RELEASE / "config/keys/app.key").read_text() == "key"


def test_no_secrets_need_nothing(app: AppFolder) -> None:
    """A release without any has no links."""
    link_secrets(app, RELEASE, [])
    assert sorted(path.name for path in app.release(RELEASE).iterdir()) == ["public"]


@pytest.mark.parametrize("kind", ["file", "folder", "link", "dangling"])
def test_a_release_that_ships_a_file_of_that_name_is_refused(app: AppFolder, kind: str) -> None:
    """In one line, and its file stays: whoever published it has to decide which one it is."""
    path = app.release(RELEASE) / ".env"
    if kind == "file":
        path.write_text("shipped")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("public" if kind == "link" else f"../../secrets/{RELEASE}/other")
    with pytest.raises(DeployError) as caught:
        link_secrets(app, RELEASE, [".env"])
    assert caught.value.message == "the release ships .env, which is one of its secrets"
    assert kind != "file" or path.read_text() == "shipped"


def test_no_folder_of_others_is_written_to(app: AppFolder, tmp_path: Path) -> None:
    """A link on the way, a folder everybody may write to, a file on the way, a release that is a link itself."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (app.release(RELEASE) / "config").symlink_to(outside)
    with pytest.raises(DeployError, match=r"config/keys/app\.key can't be linked"):
        link_secrets(app, RELEASE, ["config/keys/app.key"])
    (app.release(RELEASE) / "config").unlink()
    (app.release(RELEASE) / "config").mkdir()
    (app.release(RELEASE) / "config").chmod(0o777)
    with pytest.raises(DeployError, match="a folder that others may write to"):
        link_secrets(app, RELEASE, ["config/keys/app.key"])
    assert list((app.release(RELEASE) / "config").iterdir()) == []
    (app.release(RELEASE) / "file").write_text("")
    with pytest.raises(DeployError, match="can't be linked"):
        link_secrets(app, RELEASE, ["file/x"])
    (app.releases / "20261129T101500Z-1").symlink_to(outside)
    with pytest.raises(DeployError, match="can't be opened"):
        link_secrets(app, "20261129T101500Z-1", [".env"])
    assert list(outside.iterdir()) == []


def test_paths_are_looked_at_again(app: AppFolder) -> None:
    """Whatever they come from."""
    with pytest.raises(DeployError, match="can't be the name of a secret"):
        link_secrets(app, RELEASE, ["../public/index.php"])
