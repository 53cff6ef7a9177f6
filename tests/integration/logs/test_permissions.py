"""The policy that is shipped allows what the logs capability calls, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sandbox.client import REPOSITORY
from sandbox.proof import prove_sandbox
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

POLICY: dict[str, Any] = json.loads((REPOSITORY / "packaging/iam/logs.json").read_text())
GROUP = "/vawsum/test/web"
LINES = 500


def actions(policy: dict[str, Any]) -> set[str]:
    """Return all actions that a policy allows."""
    listed = [statement["Action"] for statement in policy["Statement"]]
    return {action for one in listed for action in (one if isinstance(one, list) else [one])}


def test_everything_runs_under_the_shipped_policy(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """Under exactly packaging/iam/logs.json a missing group is created with its retention, lines arrive, and a batch
    whose answer is lost is asked about: no call is denied, and every action that the policy allows is used.
    """  # noqa: D205 - one sentence
    sandbox.enforce(POLICY)
    sandbox.fault("reset_after", operation="PutLogEvents", count=1)
    log = CountedLog(logs / "access.log")
    log.write(LINES)
    agent.configure(source("web", log.path, log_group=GROUP), retention_days=14)
    agent.start_and_wait()
    agent.wait_stored(LINES)
    agent.wait_settled(log.written_bytes)
    log.write(LINES)
    agent.wait_settled(log.written_bytes)
    assert prove_sandbox(sandbox, log.texts).is_clean
    operations = sandbox.requests()["operations"]
    assert not any("AccessDeniedException" in outcomes for outcomes in operations.values()), operations
    used = {f"logs:{operation}" for operation, outcomes in operations.items() if outcomes.get("ok")}
    assert used == actions(POLICY)
    assert sandbox.groups()[0]["retention_days"] == 14


def test_without_asking_delivery_is_at_least_once(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When GetLogEvents is not allowed, then nothing is lost, what perhaps arrived is sent again, and it is said so."""
    sandbox.enforce(POLICY)
    sandbox.deny("logs:GetLogEvents")
    sandbox.fault("reset_after", operation="PutLogEvents", count=1)
    log = CountedLog(logs / "access.log")
    log.write(LINES)
    agent.configure(source("web", log.path, log_group=GROUP))
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    proof = prove_sandbox(sandbox, log.texts)
    assert not proof.lost
    assert proof.twice
    status = agent.component("logs")
    assert status["state"] == "running"
    assert status["details"]["delivery"] == "at least once"
    assert status["details"]["ambiguous"]["batches"] == 1
    assert any("at least once" in problem["what"] for problem in status["details"]["problems"])


def test_the_doctors_fragments_are_enough(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """A role without any permission: the fragments that doctor prints, put together, are a policy that works."""
    sandbox.enforce({"Statement": []})
    log = CountedLog(logs / "access.log")
    log.write(LINES)
    agent.configure(source("web", log.path, log_group=GROUP))
    code, out = agent.command("doctor", "--json")
    assert code == 1
    remedies = [finding["remedy"] for finding in json.loads(out)["findings"] if finding["where"] == GROUP]
    fragments = [json.loads(remedy.removeprefix("add to the role's policy: ")) for remedy in remedies]
    assert {fragment["Action"] for fragment in fragments} == actions(POLICY)
    sandbox.enforce({"Version": "2012-10-17", "Statement": fragments})
    assert agent.command("doctor")[0] == 0
    sandbox.fault("reset_after", operation="PutLogEvents", count=1)
    agent.start_and_wait()
    agent.wait_stored(LINES)
    agent.wait_settled(log.written_bytes)
    proof = prove_sandbox(sandbox, log.texts)
    assert (proof.arrived, proof.lost, proof.twice) == (LINES, [], [])
