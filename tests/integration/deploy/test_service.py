"""This host leaves target groups that really drain and comes back, with the calls that its policy allows."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from sandbox.aws.settings import RATE_LIMITS_PER_S
from tests.counts import count
from tests.integration.images.buckets import session_for
from vawsum_agent.aws.autoscaling import AutoScaling
from vawsum_agent.aws.load_balancing import LoadBalancing
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError, DeployError
from vawsum_agent.deploy.service.draining import drain
from vawsum_agent.deploy.service.host import this_host
from vawsum_agent.deploy.service.outage import out_of_service_s
from vawsum_agent.deploy.service.recording import record
from vawsum_agent.deploy.service.restoring import restore
from vawsum_agent.deploy.service.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.config.model.deploy import DrainWay
    from vawsum_agent.deploy.service.outage import Drained, Restored
    from vawsum_agent.deploy.service.places import Place

FRAGMENT: dict[str, Any] = json.loads((Path(__file__).parents[3] / "packaging/iam/deploy.json").read_text())
ACTIONS = sorted(
    action
    for statement in FRAGMENT["Statement"]
    for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    if action.startswith(("autoscaling:", "elasticloadbalancing:"))
)
ME, PEER = "i-0me", "i-0peer"
ELB = "elasticloadbalancing:"
DELAY_S = 1


class _Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, list[int]]]:
    """Two web servers a host, which are always well."""
    with ExitStack() as stack:
        made: dict[str, list[int]] = {}
        for instance_id in (ME, PEER):
            for _ in range(2):
                server = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Well))
                threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
                stack.callback(server.shutdown)
                made.setdefault(instance_id, []).append(server.server_port)
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=11) as sandbox:
        yield sandbox


def hurriedly(wait_s: float) -> None:
    """Wait less long than is asked for: here AWS is quick."""
    time.sleep(wait_s / 5)


class Agent:
    """What a deploy does to its host, on this one."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        session = session_for(sandbox, folder)
        self.sandbox = sandbox
        self.services = Services(LoadBalancing(session), AutoScaling(session))
        self.host = this_host(ME, InstanceMetadata(sandbox.metadata_for(ME)))
        self.said: list[str] = []

    def record(self, way: DrainWay = "auto") -> Place:
        """Record."""
        return record(
            self.services, host=self.host, drain=way, min_healthy_peers=1, sleep=hurriedly, say=self.said.append
        )

    def drain(self, place: Place) -> Drained:
        """Drain."""
        return drain(self.services, place, clock=SystemClock(), sleep=hurriedly, timeout_s=10.0, say=self.said.append)

    def restore(self, place: Place, timeout_s: float = 15.0) -> Restored:
        """Restore."""
        return restore(
            self.services, place, clock=SystemClock(), sleep=hurriedly, timeout_s=timeout_s, say=self.said.append
        )

    def picture(self) -> object:
        """What must be as before."""
        groups = ("web", "admin")
        rows = [(group, row["instance_id"], row["port"]) for group in groups for row in self.sandbox.targets(group)]
        return sorted(rows), self.sandbox.scaling_group("asg")


@pytest.fixture
def agent(shared: Sandbox, ports: dict[str, list[int]], tmp_path: Path) -> Agent:
    """Two hosts in service in an Auto Scaling group attached to one target group; registered by hand in another."""
    shared.reset()
    shared.calm()
    shared.enforce(FRAGMENT)
    shared.settings(rate_limits_per_s=dict.fromkeys(RATE_LIMITS_PER_S, 1e6))
    rules = {"interval_s": 0.2, "healthy_threshold_count": 2}
    for instance_id, (port, _) in ports.items():
        shared.add_host(instance_id, port=port)
    shared.add_target_group("web", deregistration_delay_s=DELAY_S, **rules)
    shared.add_target_group("admin", deregistration_delay_s=0, **rules)
    shared.add_target_group("spare", is_in_use=False)
    shared.add_scaling_group("asg", [ME, PEER], min_size=1, max_size=2, target_groups=["web"])
    for instance_id, (_, other) in ports.items():
        shared.register_targets("admin", (instance_id, None), (instance_id, other))
    for group in ("web", "admin"):
        shared.await_targets(group)
    return Agent(shared, tmp_path)


def test_there_and_back(agent: Agent) -> None:
    """Out of both target groups and all ports, and back, soon; each action of the policy is needed, and is enough."""
    before = agent.picture()
    refused: list[str] = []

    def refuse(action: str, call: Callable[[], object]) -> None:
        agent.sandbox.deny(action)
        with pytest.raises(AgentError, match=action.partition(":")[2]):
            call()
        agent.sandbox.deny()
        refused.append(action)

    for action in (
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeTrafficSources",
        f"{ELB}DescribeTargetGroups",
        f"{ELB}DescribeTargetHealth",
    ):
        refuse(action, agent.record)
    by_hand, place = agent.record("deregister"), agent.record()
    assert (by_hand.way, place.way, len(place.targets)) == ("deregister", "standby", 3)
    for action in (f"{ELB}DescribeTargetGroupAttributes", f"{ELB}DeregisterTargets"):
        refuse(action, lambda: agent.drain(by_hand))
    refuse("autoscaling:EnterStandby", lambda: agent.drain(place))
    assert agent.picture() == before

    drained = agent.drain(place)
    assert not [row for group in ("web", "admin") for row in agent.sandbox.targets(group) if row["instance_id"] == ME]
    for action in ("autoscaling:ExitStandby", f"{ELB}RegisterTargets"):
        refuse(action, lambda: agent.restore(place, timeout_s=0.5))
    restored = agent.restore(place)
    assert restored.outcome == "in service"
    assert agent.picture() == before
    assert set(agent.sandbox.target_states("web").values()) == {"healthy"}
    away_s = out_of_service_s(drained.left_at, restored.back_at)
    assert away_s is not None
    assert away_s < DELAY_S + 10
    assert sorted(refused) == ACTIONS
    assert agent.sandbox.violations() == []


def test_taken_out_of_its_groups_target_group(agent: Agent) -> None:
    """By a person, before the deploy: the Auto Scaling group puts it back there, and the return takes it out again."""
    agent.sandbox.deregister_targets("web", (ME, None))
    agent.sandbox.await_targets("web", ME, state="unused")
    before = agent.picture()
    place = agent.record()
    assert (place.way, {each.group_name for each in place.targets}) == ("standby", {"admin"})
    agent.drain(place)
    assert agent.restore(place).outcome == "in service"
    agent.sandbox.await_targets("web", ME, state="unused")
    assert agent.picture() == before
    assert "DeregisterTargets" in agent.sandbox.requests()["operations"]


@pytest.mark.timeout(600)
def test_killed_while_it_leaves_or_returns(agent: Agent, tmp_path: Path) -> None:
    """SIGKILL at a random moment: the next start restores from the place alone."""
    before = agent.picture()
    dice = random.Random(3)
    for _ in range(count(1, 60)):
        place = agent.record()
        child = multiprocessing.get_context("fork").Process(target=_deploy, args=(agent.sandbox, tmp_path, place))
        child.start()
        time.sleep(dice.uniform(0.2, 3.0))
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert agent.restore(place).outcome == "in service"
        assert agent.picture() == before


def _deploy(sandbox: Sandbox, folder: Path, place: Place) -> None:
    agent = Agent(sandbox, folder)  # with connections of its own
    agent.drain(place)
    agent.restore(place)


@pytest.mark.parametrize("way", ["deregister", pytest.param("auto", marks=pytest.mark.soak)])
def test_an_aws_that_throttles_and_loses_answers(agent: Agent, way: DrainWay) -> None:
    """What was done although no answer came is looked up; what was refused for its rate is asked again."""
    before = agent.picture()
    for operation in ("EnterStandby", "ExitStandby", "DeregisterTargets", "RegisterTargets"):
        agent.sandbox.fault("reset_after", operation=operation, count=1)
    for operation in ("DescribeTargetGroups", "DescribeTargetHealth", "DescribeAutoScalingInstances"):
        agent.sandbox.fault("throttle", operation=operation, count=2)
    place = agent.record(way)
    agent.drain(place)
    agent.restore(place)
    assert agent.picture() == before


def test_the_last_healthy_host(agent: Agent) -> None:
    """Refused, with nothing touched."""
    agent.sandbox.pin_target("web", PEER, "unhealthy")
    before = agent.picture()
    with pytest.raises(DeployError, match="refused: the last healthy host of target group web"):
        agent.record()
    assert agent.picture() == before


def test_scale_in_while_it_leaves(agent: Agent) -> None:
    """Ends cleanly: the drain says why, and there is nothing to come back to."""
    place = agent.record()
    agent.sandbox.terminate(ME)
    with pytest.raises(DeployError, match="terminated"):
        agent.drain(place)
    assert agent.restore(place).outcome == "terminated"
