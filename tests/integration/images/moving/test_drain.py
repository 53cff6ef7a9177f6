"""Draining and stopping."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

PICTURES = 300


def test_drain(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """`drain` has every picture in the bucket, also those younger than `min_age`, and leaves them local; afterwards
    moving goes on.
    """  # noqa: D205 - one sentence
    agent.configure(uploads, min_age="1h")
    agent.start_and_wait()
    for number in range(PICTURES):
        uploads.put(f"{number % 5}/{number}.jpg")
    done = agent.run("drain", "--json")
    assert (done.returncode, json.loads(done.stdout)["drained"]) == (0, True)
    assert uploads.local() == uploads.written
    agent.assert_stored(uploads.written)
    agent.configure(uploads)
    os.kill(agent.pid, signal.SIGHUP)
    agent.wait_moved(uploads)
    uploads.put("later.jpg")
    agent.wait_moved(uploads)
    assert agent.folder()["rewritten_count"] == 0
    uploads.put("last.jpg")
    assert agent.stop() == 0
    agent.assert_stored(uploads.written)
    assert sandbox.violations() == []


def test_drain_while_s3_is_away(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """It ends within its time with exit code 1 and says what is left and why; the files stay, and move by themselves
    when S3 is back.
    """  # noqa: D205 - one sentence
    agent.configure(uploads, min_age="1h")
    agent.start_and_wait()
    for number in range(20):
        uploads.put(f"{number}.jpg")
    sandbox.outage(600)
    begun = time.monotonic()
    done = agent.run("drain", "--timeout", "4s")
    assert done.returncode == 1
    assert time.monotonic() - begun < 20
    assert "images: 20 images not in the bucket yet: PutObject on s3://vawsum-images/uploads/" in done.stderr
    assert uploads.local() == uploads.written
    agent.configure(uploads)
    os.kill(agent.pid, signal.SIGHUP)
    sandbox.calm()
    agent.wait_moved(uploads, limit_s=60)


def test_stop_while_s3_is_away(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """SIGTERM ends it within `drain_timeout`; everything is where it was, and moves after the next start."""
    agent.configure(uploads, drain_timeout="3s")
    agent.start_and_wait()
    sandbox.outage(600)
    for number in range(20):
        uploads.put(f"{number}.jpg")
    time.sleep(1.5)
    begun = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - begun < 20
    assert uploads.local() == uploads.written
    sandbox.calm()
    agent.start_and_wait()
    agent.wait_moved(uploads)
