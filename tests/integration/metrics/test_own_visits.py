"""The agent's looks at status pages stand in the access log, and are no requests of anybody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.integration.logs.running import source

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.logs.running import RunningAgent

LIMIT_S = 60.0
TARGET = "/server-status?auto"


def test_own_visits_are_shipped_and_not_counted(agent: RunningAgent, sandbox: Sandbox, tmp_path: Path) -> None:
    """Of ten lines three are the agent's: ten are delivered, seven are counted."""
    log = tmp_path / "access.log"
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(time.time() - 600))
    own = f'127.0.0.1 - - [{stamp}] "GET {TARGET} HTTP/1.1" 200 900 "-" "vawsum-agent"\n'
    others = [f'10.0.0.{number} - - [{stamp}] "GET {TARGET} HTTP/1.1" 403 9 "-" "curl/8"\n' for number in range(7)]
    text = own + own.join(others[:2]) + "".join(others[2:]) + own
    log.write_text(text)
    agent.config.write_text(
        f'[agent]\ninstance_id = "i-own"\nstate_dir = "{agent.state_dir}"\nruntime_dir = "{agent.runtime_dir}"\n'
        f'[metrics.apache]\nstatus_url = "http://127.0.0.1:1{TARGET}"\n{source("web", log)}'
    )
    agent.start()
    agent.wait_until(lambda: sandbox.metric_data("http_requests", InstanceId="i-own"), "the requests arrive", LIMIT_S)
    agent.stop()
    assert [sum(row.values) for row in sandbox.metric_data("http_requests", InstanceId="i-own")] == [7.0]
    assert sandbox.count() == 10
