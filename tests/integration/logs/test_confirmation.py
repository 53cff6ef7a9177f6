"""Finding out whether a request arrived, where that is not easy."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.proof import prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

LINES = count(4_000, 9_000)
PAGE = 400


def test_long_streams_are_read_through_throttling(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When an answer is lost, the stream has many pages and a third of the asking is throttled, then what arrived is
    found all the same and not sent again.
    """  # noqa: D205 - one sentence
    log = CountedLog(logs / "access.log")
    agent.configure(source("web", log.path))
    sandbox.settings(page_limit_count=PAGE)
    sandbox.fault("throttle", operation="GetLogEvents", rate=0.3)
    # All of one second: the request that is asked about stands among those before it.
    at = time.time()
    log.write(LINES, at)
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    sandbox.fault("reset_after", operation="PutLogEvents", count=1)
    log.write(LINES, at)
    agent.wait_settled(log.written_bytes, 60)
    proof = prove_sandbox(sandbox, log.texts)
    assert proof.is_clean, str(proof)
    details = agent.details()
    assert (details["ambiguous"]["batches"], details["confirmed_batches"]) == (0, 1)
