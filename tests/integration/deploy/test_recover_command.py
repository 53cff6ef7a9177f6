"""`deploy recover` and `deploy start` on a host where little else works: no AWS, no metadata, a strict umask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.integration.deploy.deploying import AGENT, Ended
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.record import Line, Record

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY_ID = "20261129T080000Z-0011aabb"
OLD, NEW = "20260101T000000Z-1111111", "20260202T000000Z-2222222"
IN_STANDBY = {"way": "standby", "instance_id": "i-1", "auto_scaling_group": "web", "lifecycle_state": "InService"}


class Host:
    """One application, whose deploy was cut off while the host was out of service."""

    def __init__(self, folder: Path) -> None:
        self.folder = AppFolder(folder / "web")
        self.journal = Journal(self.folder, SystemClock())
        self.journal.prepare()
        self.config = folder / "agent.toml"
        self.environment = {
            "PATH": os.environ["PATH"],
            "VAWSUM_AGENT_CONFIG": str(self.config),
            "AWS_REGION": "ap-south-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nowhere",
            "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        }
        self.configure('instance_id = "i-1"')

    def configure(self, agent: str = "", app: str = "") -> None:
        """Write the configuration."""
        run = self.config.parent
        self.config.write_text(
            f'[agent]\nstate_dir = "{run}/state"\nruntime_dir = "{run}/run"\n{agent}\n'
            f'[[deploy.app]]\nname = "web"\npath = "{self.folder.path}"\nartifacts = "s3://vawsum-artifacts/web/"\n'
            f'health_url = "http://127.0.0.1:9/healthz"\nhealth_timeout = "1s"\nreload = []\n{app}\n'
        )

    def leave(self, *steps: Step, place: dict[str, str] | None = None) -> None:
        """Let a deploy be cut off after these steps."""
        record = Record(
            deploy_id=DEPLOY_ID, app="web", kind="start", release=NEW, instance_id="i-1", began_at=1795939200.0
        )
        record.lines = [Line(step=step, phase="begun", at=record.began_at) for step in steps]
        if place is not None:
            record.remembered = {"place": msgspec.Raw(msgspec.json.encode(place))}
        self.journal.write(record)

    def run(self, *arguments: str, umask: int = 0o022) -> Ended:
        """Run a command."""
        done = subprocess.run(
            [AGENT, "deploy", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            umask=umask,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def found(self) -> Record:
        """What the journal has of it."""
        record = self.journal.read(DEPLOY_ID)
        assert record is not None
        return record


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One of them."""
    return Host(tmp_path)


def test_what_is_said_meanwhile(host: Host) -> None:
    """The document alone is on stdout, what is done meanwhile on stderr; and everybody may read what was noted."""
    host.leave(Step.FETCH)
    ended = host.run("recover", "--json", umask=0o077)
    assert ended.code == 0, ended.error
    (told,) = json.loads(ended.out)["deploys"]
    assert (told["result"], told["failed_step"]) == ("taken back", "fetch")
    assert ended.error.startswith(f"first, {DEPLOY_ID} of web has to be ended")
    assert "hook failed …" in ended.error
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in host.journal.folder.iterdir())


def test_who_this_is_is_not_known(host: Host) -> None:
    """Metadata may not answer at boot: a host is not taken for another one, and left out of service for good."""
    host.configure("", 'drain = "none"')  # as it stands by now: then it was drained
    host.leave(Step.DRAIN, place=IN_STANDBY)
    ended = host.run("recover")
    assert ended.code == 1
    assert "instance metadata does not answer" in ended.error
    assert host.found().end is None


def test_nobody_is_deployed_undrained_by_accident(host: Host) -> None:
    """The same at a deploy: it would find the host in no group, and change it while it serves."""
    host.configure("")
    ended = host.run("start", "--app", "web", "--release", NEW)
    assert ended.code == 1
    assert "instance metadata does not answer" in ended.error
    assert host.journal.records() == []


def test_nothing_was_left(host: Host) -> None:
    """Then nobody has to know a region, nor which host this is."""
    host.configure("")
    del host.environment["AWS_REGION"]
    assert host.run("recover") == Ended(0, "nothing was left unfinished\n", "")


def test_stopped_by_hand(host: Host) -> None:
    """Ctrl-C says what goes on, and the record is as it was for the next one."""
    host.leave(Step.DRAIN, place=IN_STANDBY)
    # As from a terminal: what a shell starts in the background ignores Ctrl-C.
    command = ["env", "--default-signal=INT", str(AGENT), "deploy", "recover"]
    with subprocess.Popen(command, env=host.environment, stderr=subprocess.PIPE, text=True) as one:
        assert one.stderr is not None
        while "return back" not in one.stderr.readline():
            assert one.poll() is None
        time.sleep(0.2)
        one.send_signal(signal.SIGINT)
        _, said = one.communicate(timeout=30)
    assert one.returncode == 130
    assert "`vawsum-agent deploy recover`, or the next deploy, goes on with it" in said
    assert host.found().end is None
    assert host.journal.unfinished()[0].end is not End.STUCK
