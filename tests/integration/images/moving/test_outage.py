"""S3 away altogether."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.counts import count

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

MOVES_WITHIN_S = 90.0
"""The longest pause between two attempts, and some."""


@pytest.mark.parametrize("mode", ["refuse", "503", "hang"][: count(1, 3)])
def test_outage(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, mode: str) -> None:
    """S3 away: files stay; backlog and cause in `status`; goes on by itself."""
    agent.start_and_wait()
    uploads.put("before.jpg")
    agent.wait_moved(uploads)
    sandbox.outage(600.0, mode)
    for number in range(20):
        uploads.put(f"{number}.jpg")
    agent.wait_until(lambda: agent.images()["state"] == "degraded", "it says so", count(30, 120))
    assert agent.images()["last_error"]
    uploads.put("later.jpg")
    agent.wait_until(lambda: agent.images()["backlog_count"] == 21, "the backlog is counted on")
    sandbox.calm()
    agent.wait_moved(uploads, limit_s=MOVES_WITHIN_S)
    agent.wait_until(lambda: agent.images()["state"] == "running", "it is well by itself")
