"""The steps of one deploy, where what they are made of is not enough to hold them."""

from __future__ import annotations

import grp
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.deploy.fetch.published import Published, site
from tests.unit.deploy.secrets.vault import Vault
from tests.unit.deploy.service.driving import HOST
from tests.unit.deploy.service.world import ME, alone, in_asg
from vawsum_agent.config.model.deploy import DeployApp
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.guard.daemon_source import DaemonSource
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.record import RESTORED, Line, Record, decoded
from vawsum_agent.deploy.redact import Redactor
from vawsum_agent.deploy.service.outage import Restored
from vawsum_agent.deploy.steps import steps_of
from vawsum_agent.deploy.steps.here import Here

if TYPE_CHECKING:
    from tests.unit.deploy.service.world import World

OLD, NEW = "20260101T000000Z-1111111", "20260202T000000Z-2222222"


class Stage:
    """A host that serves the old release, and is to serve the new one."""

    def __init__(self, folder: Path) -> None:
        self.world: World = alone()
        self.vault: Vault | None = Vault(env=b"PASSWORD=sesame-1234\n")
        (folder / "bucket").mkdir()
        self.published = Published(folder / "bucket")
        for release in (OLD, NEW):
            self.published.put(site(), release)
        self.folder = AppFolder(folder / "web")
        self.journal = Journal(self.folder, SystemClock())
        self.journal.prepare()
        self.folder.release(OLD).mkdir(parents=True)
        self.folder.current.symlink_to(self.folder.target(OLD))
        self.record = Record(
            deploy_id="20261129T080000Z-0011aabb",
            app="web",
            kind="start",
            release=NEW,
            previous=OLD,
            instance_id=ME,
            began_at=0.0,
        )

    @property
    def here(self) -> Here:
        """What the steps work with."""
        app = DeployApp(
            name="web",
            path=str(self.folder.path),
            artifacts="s3://artifacts/web/",
            secrets_group=grp.getgrgid(os.getegid()).gr_name,
            health_url="http://127.0.0.1:9/healthz",
        )
        return Here(
            record=self.record,
            app=app,
            folder=self.folder,
            artifacts=self.published,
            secrets=self.vault,
            services=self.world.services,
            host=HOST,
            traffic=DaemonSource(Path("/nowhere")),
            records=self.journal.records,
            clock=self.world,
            sleep=self.world.sleep,
            say=self.world.say,
            redactor=Redactor([]),
        )

    def recalled(self) -> Restored:
        """How the last return went."""
        restored = self.record.recall(RESTORED, Restored)
        assert restored is not None
        return restored

    def do(self, *steps: Step) -> str:
        """Carry out steps; give what the last one says."""
        texts = [steps_of(self.here)[step]() for step in steps]
        return texts[-1]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """One of them."""
    return Stage(tmp_path)


def test_there_and_back(stage: Stage) -> None:
    """What the record remembers is all that the way back needs."""
    before = stage.world.picture()
    stage.do(Step.RECORD, Step.DRAIN)
    assert stage.world.picture() != before
    stage.record = decoded(msgspec.json.encode(stage.record))  # as the next process reads it
    stage.do(Step.SWITCH_BACK, Step.RETURN_BACK)
    assert stage.world.picture() == before
    assert stage.folder.current_release() == OLD


@pytest.mark.parametrize("step", [Step.RETURN, Step.GUARD])
def test_another_release_was_switched_to_meanwhile(stage: Stage, step: Step) -> None:
    """By a person, between a crash and the next start: nobody calls what is not served deployed."""
    stage.folder.release(NEW).mkdir()
    stage.do(Step.RECORD, Step.DRAIN, Step.SWITCH)
    stage.folder.current.unlink()
    stage.folder.current.symlink_to(stage.folder.target(OLD))
    with pytest.raises(DeployError, match=f"current points to {OLD}"):
        stage.do(step)
    stage.do(Step.RETURN_BACK)


def test_drained_once_more_by_nobody_knows_whom(stage: Stage) -> None:
    """The guard spoke, the host left again, and a full disk kept the note of it: it is back before it is watched."""
    stage.folder.release(NEW).mkdir()
    stage.do(Step.RECORD)
    before = stage.world.picture()
    stage.do(Step.DRAIN, Step.SWITCH, Step.RETURN)
    returned_at = stage.recalled().back_at
    stage.record.lines = [Line(step=Step.RETURN, phase=phase, at=0.0) for phase in ("begun", "done", "interrupted")]
    stage.do(Step.GUARD)
    assert stage.recalled().back_at == returned_at  # it had never left: what is left of the window is watched
    stage.do(Step.DRAIN_AGAIN)
    assert stage.world.picture() != before
    stage.do(Step.GUARD)
    assert stage.world.picture() == before
    assert stage.recalled().back_at > returned_at


def test_terminated_before_it_is_watched(stage: Stage) -> None:
    """A crash lay between, and its group lets the host go: nobody judges what a host answers that is going."""
    stage.world = in_asg()
    stage.folder.release(NEW).mkdir()
    stage.do(Step.RECORD, Step.DRAIN, Step.SWITCH, Step.RETURN)
    stage.record.lines = [Line(step=Step.RETURN, phase=phase, at=0.0) for phase in ("begun", "done", "interrupted")]
    stage.world.state = "Terminating:Wait"
    assert "terminated" in stage.do(Step.GUARD)


def test_a_journal_that_came_with_an_image(stage: Stage) -> None:
    """It tells of another host, which is named; this one is neither drained nor registered anywhere."""
    stage.do(Step.RECORD)
    stage.record.instance_id = "i-the-image-was-made-of"
    calls = dict(stage.world.calls)
    assert "i-the-image-was-made-of" in stage.do(Step.RETURN_BACK)
    stage.do(Step.DRAIN_AGAIN)
    assert stage.world.calls == calls


def served(stage: Stage, release: str) -> None:
    """Note that it served healthy once."""
    record = Record(deploy_id="20260303T080000Z-0011aabb", app="web", kind="start", release=release, began_at=0.0)
    stage.journal.close(record, End.DEPLOYED)


def test_secrets_of_a_release_that_was_removed(stage: Stage) -> None:
    """It served once, and went as one of too many, with its secrets: it comes back with the newest, not without."""
    served(stage, NEW)
    stage.do(Step.FETCH)
    assert (stage.folder.secrets / NEW / "env").read_bytes() == b"PASSWORD=sesame-1234\n"


def test_secrets_of_a_release_that_has_none(stage: Stage) -> None:
    """It served without any, and is here: a rollback gives it none."""
    vault, stage.vault = stage.vault, None
    stage.do(Step.FETCH)
    served(stage, NEW)
    stage.vault = vault
    stage.do(Step.FETCH)
    assert not (stage.folder.secrets / NEW / "env").exists()


def test_secrets_that_are_pinned(stage: Stage) -> None:
    """A release that served takes the versions of its day along, also when its files have to be fetched again."""
    stage.do(Step.FETCH)
    served(stage, NEW)
    assert stage.vault is not None
    stage.vault.put("env", b"PASSWORD=newer-5678\n")
    stage.folder.release(NEW).rename(stage.folder.path / "gone")
    stage.do(Step.FETCH)
    assert (stage.folder.secrets / NEW / "env").read_bytes() == b"PASSWORD=sesame-1234\n"
