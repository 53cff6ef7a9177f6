"""`kill -9` at random moments, while pictures come and S3 fails."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.images.moving.running import BUCKET, Visitors

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

KILLS = count(8, 200)
FAULTS = {"throttle": 0.05, "unavailable": 0.02, "failure": 0.02, "reset": 0.02, "reset_after": 0.02}


@pytest.mark.timeout(count(120, 3600))
def test_killed_at_random(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
    """`kill -9` 200 random times: every image is local or in S3 with the right SHA-256; none lost, none corrupted,
    none left in quarantine.
    """  # noqa: D205 - the row as it stands in the table
    dice = random.Random(3)
    for kind, rate in FAULTS.items():
        sandbox.fault(kind, operation="s3:PutObject", rate=rate)
    sandbox.fault("latency", operation="s3:PutObject", latency_s=0.02)  # so that much is under way at any moment
    visitors = Visitors(uploads)
    visitors.start()
    for _ in range(KILLS):
        agent.start()
        time.sleep(0.8 + 1.2 * dice.random())
        agent.kill()
    visitors.stop()
    sandbox.calm()
    agent.start_and_wait()
    agent.wait_moved(uploads, limit_s=count(60, 600))
    agent.wait_until(lambda: agent.folder()["due_count"] == 0, "nothing is left to move")
    uploads.assert_nowhere_but()
    put = sandbox.requests()["operations"]["PutObject"]
    tell(f"{KILLS} kills, {visitors.count} uploads, {len(sandbox.objects(BUCKET))} names; PutObject {put}")
    assert sandbox.violations() == []
