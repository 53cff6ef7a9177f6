"""The real daemon tells people, across a kill, in its own time: minutes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.alerts.incidents import TOPIC, labels
from tests.integration.logs.running import source
from tests.integration.logs.writing import CountedLog

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.logs.running import RunningAgent


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_degraded_killed_and_mended(agent: RunningAgent, sandbox: Sandbox, tmp_path: Path) -> None:
    """Logs may not be put: told after a minute, once, also when the daemon is killed and comes back; told again when
    they may and have been put for a minute.
    """  # noqa: D205 - one sentence
    (tmp_path / "log").mkdir()
    log = CountedLog(tmp_path / "log/access.log")
    agent.configure(source("web", log.path), f'[notify]\nsns_topic_arn = "{TOPIC}"\n')
    sandbox.deny("logs:PutLogEvents")
    agent.start_and_wait()
    log.write(50)
    agent.wait_until(lambda: labels(sandbox) == ["DEGRADED"], "an alert", 150)
    agent.kill()
    agent.start_and_wait()
    time.sleep(120)
    assert labels(sandbox) == ["DEGRADED"]
    sandbox.deny()
    log.write(50)
    agent.wait_until(lambda: labels(sandbox) == ["DEGRADED", "RECOVERED"], "a recovery", 180)
    assert "PutLogEvents" in sandbox.notifications()[0].message
    assert agent.component("alerts")["details"]["sent"] == 2
