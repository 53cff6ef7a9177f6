"""`images move`, interrupted by whoever watches, and by S3."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.demo.agent import BINARY, as_user
from tests.integration.images.moving.running import BUCKET, OWNER, assert_stored

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

PICTURES = 150


def fill(uploads: Uploads) -> None:
    """Pictures that are older than `min_age`."""
    for number in range(PICTURES):
        uploads.put(f"{number % 3}/{number}.jpg")
    time.sleep(1.1)


@pytest.mark.parametrize("times", [1, 2])
def test_interrupted(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, times: int) -> None:
    """Ctrl-C ends it after the files under way, a second one at once; nothing is lost, and called again it goes on."""
    number = sandbox.fault("latency", operation="s3:PutObject", latency_s=0.1 if times == 1 else 20.0)
    fill(uploads)
    command: list[str | Path] = [*as_user(OWNER), BINARY, "images", "move", "--jobs", "2", "--config", agent.config]
    process = subprocess.Popen(
        command, env=sandbox.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    agent.wait_until(lambda: "s3:" + BUCKET in sandbox.requests()["most_at_once"], "it sends")
    time.sleep(0.5)
    begun = time.monotonic()
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    process.communicate(timeout=30)
    assert process.returncode == 1
    assert time.monotonic() - begun < 15
    assert len(uploads.local()) > 20
    here = set(uploads.local().values())
    assert_stored(sandbox, {name: content for name, content in uploads.written.items() if content not in here})
    sandbox.calm(number)
    assert agent.run("images", "move").returncode == 0
    assert_stored(sandbox, uploads.written)
    assert uploads.local() == {}


def test_errors_end_it(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """What passes is waited out; what needs a person ends it with exit code 1 and one line that says what to do."""
    fill(uploads)
    sandbox.fault("throttle", operation="s3:PutObject", count=3)
    sandbox.fault("reset_after", operation="s3:PutObject", count=2)
    assert agent.run("images", "move").returncode == 0
    assert_stored(sandbox, uploads.written)
    uploads.put("more.jpg")
    time.sleep(1.1)
    sandbox.deny("s3:PutObject")
    denied = agent.run("images", "move", "--json")
    assert denied.returncode == 1
    (row,) = json.loads(denied.stdout)["folders"]
    assert (row["left_count"], "AccessDenied" in row["error"]) == (1, True)
    assert denied.stderr.count("\n") == 1
    assert "Traceback" not in denied.stderr
