"""A release that comes back to a host where something of it is left, damaged or half removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.fetch.published import site
from tests.unit.deploy.test_steps import NEW, Stage, served
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.machine import Step

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"index.php": b"<?php echo 1;", "deploy.toml": b'writable = ["storage"]\n'}


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A host that has a release whose deploy.toml opens a folder to the application."""
    stage = Stage(tmp_path)
    stage.published.put(site(FILES), NEW)
    stage.do(Step.FETCH, Step.PREPARE)
    served(stage, NEW)
    return stage


def test_it_is_whole(stage: Stage) -> None:
    """What was linked and opened here is no damage: nothing is fetched."""
    assert "here and whole already" in stage.do(Step.FETCH)


@pytest.mark.parametrize("damage", [b"= [", b'writable = ["../.."]', b"\xff", b"", None])
def test_a_damaged_deploy_toml(stage: Stage, damage: bytes | None) -> None:
    """It is not believed before the seal is: the release is fetched again, whatever stands there, or is gone."""
    file = stage.folder.release(NEW) / "deploy.toml"
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    assert "sha256" in stage.do(Step.FETCH)
    assert file.read_bytes() == FILES["deploy.toml"]


def test_a_removal_that_was_cut_off(stage: Stage) -> None:
    """It does not take along the secrets that come now; and it is over, also where nothing can be fetched."""
    stage.folder.release(NEW).rename(stage.folder.releases / f".{NEW}.removing")
    for artifact in stage.published.folder.glob(f"{NEW}.*"):
        artifact.unlink()
    with pytest.raises(DeployError, match="there is no release"):
        stage.do(Step.FETCH)
    assert [path.name for path in stage.folder.releases.iterdir() if NEW in path.name] == []
    assert (stage.folder.secrets / NEW / "env").exists()
    stage.published.put(site(FILES), NEW)
    stage.do(Step.FETCH, Step.PREPARE)
    assert (stage.folder.secrets / NEW / "env").exists()
    assert (stage.folder.release(NEW) / "env").read_bytes() == b"PASSWORD=sesame-1234\n"
