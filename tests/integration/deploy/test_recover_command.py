"""`deploy recover` and `deploy start` on a host where little else works: no AWS, no metadata, a strict umask."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.integration.deploy.deploying import AGENT, Ended, wait_until
from vawsum_agent.cli.deploy_follow import arguments
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.lock import Holder, locked
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.order import Order
from vawsum_agent.deploy.record import Line, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
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

    def leave(self, *steps: Step, place: dict[str, str] | None = None, previous: str = "") -> None:
        """Let a deploy be cut off after these steps."""
        record = Record(
            deploy_id=DEPLOY_ID,
            app="web",
            kind="start",
            release=NEW,
            previous=previous,
            instance_id="i-1",
            began_at=1795939200.0,
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

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [AGENT, *arguments], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def starts_again(self) -> subprocess.Popen[str]:
        """Do as systemd does with the process of a deploy that was killed."""
        return self.start(*arguments(self.config, Order(deploy_id=DEPLOY_ID, app="web", kind="start", release=NEW)))

    def said(self) -> str:
        """What the deploy that was cut off said."""
        path = self.journal.log_path(DEPLOY_ID)
        return path.read_text() if path.exists() else ""

    def serves(self, release: str) -> None:
        """Let it have been deployed."""
        self.folder.current.symlink_to(self.folder.target(release))
        self.journal.close(
            Record(deploy_id="20260101T000000Z-0011aabb", app="web", kind="start", release=release, began_at=0.0),
            End.DEPLOYED,
        )

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
    assert one.returncode == 1
    assert "`vawsum-agent deploy recover`, or the next deploy, goes on with it" in said
    assert host.found().end is None
    assert host.journal.unfinished()[0].end is not End.STUCK


class _Metadata(BaseHTTPRequestHandler):
    answers = False

    def do_PUT(self) -> None:
        self._tell("token")

    def do_GET(self) -> None:
        self._tell("i-1")

    def _tell(self, text: str) -> None:
        self.send_response(200 if _Metadata.answers else 503)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def metadata(host: Host) -> Iterator[type[_Metadata]]:
    """Instance metadata that does not answer yet."""
    _Metadata.answers = False
    with ThreadingHTTPServer(("127.0.0.1", 0), _Metadata) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        host.configure("")
        host.environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
        del host.environment["AWS_EC2_METADATA_DISABLED"]
        yield _Metadata
        server.shutdown()


def test_metadata_answers_late(host: Host, metadata: type[_Metadata]) -> None:
    """Started again after a crash, a deploy does not give up because nobody knows yet which host this is."""
    host.leave(Step.DRAIN)
    with host.starts_again() as work:
        wait_until(lambda: "not now: instance metadata does not answer" in host.said(), "it waits")
        assert host.found().end is None
        metadata.answers = True
        _, error = work.communicate(timeout=30)
    assert (work.returncode, host.found().end) == (1, End.TAKEN_BACK), error
    assert host.journal.refusal(DEPLOY_ID) is None


def test_somebody_was_quicker(host: Host) -> None:
    """Started again, it finds the lock held by who is about to take it back: that is waited for, and no refusal."""
    host.leave(Step.DRAIN)
    holder = Holder(deploy_id="", app="", what="recovery", pid=1)
    with host.starts_again() as work:
        with locked({"web": host.folder}, holder):
            wait_until(lambda: "busy: recovery" in host.said(), "it waits")
            host.journal.close(host.found(), End.TAKEN_BACK)
        _, error = work.communicate(timeout=30)
    assert (work.returncode, host.found().end) == (1, End.TAKEN_BACK), error
    assert host.journal.refusal(DEPLOY_ID) is None


def test_rolled_back_while_it_is_cut_off(host: Host) -> None:
    """A deploy that left the host drained is taken back, and that is the rollback: it goes no further, and is told."""
    host.serves(OLD)
    host.leave(Step.RECORD, Step.DRAIN, previous=OLD)
    ended = host.run("rollback", "--app", "web")
    assert (ended.code, host.found().end) == (0, End.TAKEN_BACK), ended.error
    assert ended.out == f"web serves {OLD}: deploy {DEPLOY_ID} of {NEW} is taken back, and that is the rollback\n"
    assert "return back" in ended.error
    assert len(host.journal.records()) == 2


def test_rolled_back_to_what_is_served_again(host: Host) -> None:
    """The same where somebody names it."""
    host.serves(OLD)
    host.leave(Step.RECORD, Step.DRAIN, previous=OLD)
    ended = host.run("rollback", "--app", "web", "--to", OLD, "--json")
    assert (ended.code, host.found().end) == (0, End.TAKEN_BACK), ended.error
    told = json.loads(ended.out)
    assert (told["app"], told["release"], told["result"]) == ("web", OLD, "nothing to do")


def test_no_room_for_another(host: Host) -> None:
    """On a disk that filled up amid a deploy the host comes back all the same; and nothing else begins."""
    host.leave(Step.DRAIN)
    # No file may become as large as the reserve is.
    done = subprocess.run(
        ["sh", "-c", 'ulimit -f 200; exec "$@"', "-", AGENT, "deploy", "start", "--app", "web", "--release", NEW],
        env=host.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "no room for the journal" in done.stderr.splitlines()[-1]
    assert host.found().end == End.TAKEN_BACK
    assert [record.deploy_id for record in host.journal.records()] == [DEPLOY_ID]
