"""Stopping when nobody answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import prove_sandbox
from tests.counts import IS_SOAK, count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

DRAIN_S = 2.0
MARGIN_S = 5.0
LINES = count(20_000, 200_000)
AWAY: dict[str, Callable[[Sandbox], object]] = {
    "refusing": lambda sandbox: sandbox.outage(120, "refuse"),
    "failing": lambda sandbox: sandbox.outage(120, "503"),
    "hanging": lambda sandbox: sandbox.outage(120, "hang"),
    "accepting in silence": lambda sandbox: sandbox.fault("hang_after", operation="PutLogEvents"),
}


@pytest.mark.timeout(count(120, 900))
@pytest.mark.parametrize("way", [way for way in AWAY if IS_SOAK or way != "failing"])
def test_stop_while_away(way: str, agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When SIGTERM with CloudWatch away, then stops within the deadline, nothing advanced that was not accepted."""
    files = [CountedLog(logs / f"{name}.log") for name in "ab"]
    agent.configure(source("web", logs / "*.log"), drain_timeout=f"{DRAIN_S:.0f}s")
    for file in files:
        file.write(50)
    agent.start_and_wait()
    accepted = {str(file.path): file.written_bytes for file in files}
    agent.wait_settled(sum(accepted.values()))
    AWAY[way](sandbox)
    for file in files:
        file.write(LINES)
    agent.wait_until(agent.pending_bytes, "something is read")
    # Long enough for requests to be under way.
    time.sleep(1)
    begun = time.monotonic()
    code = agent.stop()
    took_s = time.monotonic() - begun
    assert (code, took_s < DRAIN_S + MARGIN_S) == (0, True), f"exit code {code} after {took_s:.1f} s"
    assert agent.said("component_drain_incomplete")
    assert agent.stored_checkpoints() == accepted
    # Whoever asks now is told from the store: not running, and what is left.
    code, text = agent.command("status")
    assert (code, "no daemon answers" in text) == (2, True), text

    sandbox.calm()
    agent.start_and_wait()
    written_bytes = sum(file.written_bytes for file in files)
    agent.wait_settled(written_bytes)
    proof = prove_sandbox(sandbox, [key for file in files for key in file.texts])
    assert proof.is_clean, str(proof)
    agent.assert_ledger(written_bytes)
