"""Reloading under load."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.images.moving.running import Visitors

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

RELOADS = count(3, 60)


@pytest.mark.timeout(count(120, 1200))
def test_reloads_under_load(
    agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, tell: Callable[[str], None]
) -> None:
    """Reload after reload while pictures come and S3 stutters: nothing is lost, everything moves."""
    agent.configure(uploads, drain_timeout="2s")
    sandbox.fault("unavailable", operation="s3:PutObject", rate=0.02)
    sandbox.fault("latency", operation="s3:PutObject", latency_s=0.02)
    visitors = Visitors(uploads, 60)
    agent.start_and_wait()
    visitors.start()
    for _ in range(RELOADS):
        time.sleep(0.7)
        os.kill(agent.pid, signal.SIGHUP)
        reloaded = agent.output.read_text().count("config_reloaded")
        agent.wait_until(lambda at=reloaded: agent.output.read_text().count("config_reloaded") > at, "reloaded")  # type: ignore[misc]
    visitors.stop()
    agent.wait_moved(uploads, limit_s=count(60, 300))
    uploads.assert_nowhere_but()
    tell(f"{RELOADS} reloads, {visitors.count} uploads; PutObject {sandbox.requests()['operations']['PutObject']}")
    log = agent.output.read_text()
    assert "component_failed" not in log
    assert "lane_died" not in log
    assert agent.stop() == 0
