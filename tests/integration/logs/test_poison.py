"""Events that the service calls invalid."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.proof import find_ids, prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, letters_of, source
from tests.integration.logs.writing import CountedLog, access_line

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

LINES = count(20_000, 200_000)
POISONED = 7
MANY_POISONED = 40


def poison(log: CountedLog, number: int) -> str:
    """Append a line that the service will not take; it carries a secret, too."""
    key = f"poison-{log.path.stem}-{number}"
    line = access_line(key, time.time()).replace("HTTP/1.1", "HTTP/1.1&password=hunter2")
    log.append(f"{line}\n".encode())
    return key


def test_poison(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When a batch is refused as invalid, then it is bisected until only the poison is left, which goes to the
    dead-letter file, redacted; everything else goes through, once and in order.
    """  # noqa: D205 - one sentence
    few, many = CountedLog(logs / "few.log"), CountedLog(logs / "many.log")
    agent.configure(source("web", logs / "*.log", redact=["password"]))
    sandbox.fault("poison", text="poison-")
    poisoned = []
    for number in range(POISONED):
        few.write(LINES // POISONED)
        poisoned.append(poison(few, number))
    for number in range(MANY_POISONED):
        poisoned.append(poison(many, number))
        many.write(1)
    # Halving takes many requests; some of them fail for other reasons.
    sandbox.fault("throttle", operation="PutLogEvents", rate=0.03)
    sandbox.fault("reset_after", operation="PutLogEvents", rate=0.02, count=3)
    agent.start_and_wait()
    written_bytes = few.written_bytes + many.written_bytes
    agent.wait_settled(written_bytes, 100)
    proof = prove_sandbox(sandbox, {**few.texts, **many.texts})
    assert proof.is_clean, f"{proof}: {proof.lost[:3]} {proof.twice[:3]}"
    letters = letters_of(agent)
    assert sorted(find_ids(letter["message"])[0] for letter in letters) == sorted(poisoned)
    assert {letter["reason"] for letter in letters} == {"refused"}
    assert all("hunter2" not in letter["message"] and "password=***" in letter["message"] for letter in letters)
    for log in (few, many):
        arrived = [find_ids(event.message)[0] for event in sandbox.events("/test/web", f"i-test{log.path}")]
        assert arrived == [*log.texts]
    agent.assert_ledger(written_bytes)
    rows = {row["source"]: row["dropped_by_reason"] for row in agent.details()["files"]}
    assert set(rows["web"]) == {"refused"}
    dropped = sum(len(access_line(key, 0)) + len("&password=hunter2\n") for key in poisoned)
    assert agent.counted("dropped_bytes") == dropped
