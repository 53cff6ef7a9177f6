"""The Auto Scaling group of the host: without the permission to ask for it, and once it is given."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.logs.running import RunningAgent

POLICY = Path(__file__).parents[3] / "packaging/iam/metrics.json"
WHERE = "AutoScalingGroupName"
TAG = "meta-data/tags/instance/aws:autoscaling:groupName"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A host in a group that its metadata does not name, under the policy that is shipped."""
    with Sandbox.start(seed=7, policy=[POLICY]) as sandbox:
        sandbox.settings(auto_scaling_group="web")
        yield sandbox


def configure(agent: RunningAgent, text: str = "") -> None:
    """Write `agent.toml`."""
    head = f'[agent]\ninstance_id = "i-0abc"\nstate_dir = "{agent.state_dir}"\nruntime_dir = "{agent.runtime_dir}"\n'
    agent.config.write_text(f'{head}[metrics]\nsample_interval = "1s"\n{text}')


def found(agent: RunningAgent, *words: str) -> list[dict[str, Any]]:
    """What a command finds of the group."""
    rows = json.loads(agent.command(*(words or ("doctor",)), "--json")[1])["findings"]
    return [row for row in rows if row["where"] == WHERE]


def test_doctor_names_the_group(agent: RunningAgent, sandbox: Sandbox) -> None:
    """By the service, by the tags in instance metadata without asking the service, or that there is none."""
    configure(agent)
    said = [found(agent, *words) for words in (("doctor",), ("check-config", "--online"))]
    assert [[(row["severity"], row["what"]) for row in rows] for rows in said] == [[("ok", "in group web")]] * 2
    sandbox.deny("autoscaling:*")
    sandbox.metadata({TAG: "web-of-tags"})
    assert [row["what"] for row in found(agent)] == ["in group web-of-tags, by the instance's tags"]
    sandbox.deny()
    sandbox.metadata({TAG: None})
    sandbox.settings(auto_scaling_group="")
    (row,) = found(agent)
    assert row["what"].endswith("is in no group")
    configure(agent, 'dimensions = ["InstanceId"]\n')
    assert found(agent) == []


def test_doctor_names_the_missing_permission(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Not allowed is a warning, with the statement that allows it."""
    policy = json.loads(POLICY.read_text())
    policy["Statement"] = policy["Statement"][:1]
    sandbox.enforce(policy)
    configure(agent)
    (row,) = found(agent)
    assert row["severity"] == "warning"
    assert "autoscaling:DescribeAutoScalingInstances is not allowed" in row["what"]
    policy["Statement"].append(json.loads(row["remedy"].partition("policy: ")[2]))
    sandbox.enforce(policy)
    assert [row["what"] for row in found(agent)] == ["in group web"]


def test_a_permission_that_comes_late_troubles_nobody(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Refused for the first seconds, as a new role is: the daemon is not degraded for it, and soon knows its group."""
    sandbox.deny("autoscaling:*")
    configure(agent)
    agent.start()
    agent.wait_until(lambda: sandbox.requests()["operations"].get("DescribeAutoScalingInstances"), "it has asked", 60)
    for _ in range(4):
        status = agent.component("metrics")
        assert (status["state"], status["last_error"]) == ("running", None)
        time.sleep(1)
    sandbox.deny()
    agent.wait_until(lambda: agent.component("metrics")["details"]["auto_scaling_group"] == "web", "it knows it", 90)
