"""Auto Scaling groups let instances step aside and come back by the service's rules; times are given."""

from __future__ import annotations

import pytest

from sandbox.aws.answers import ServiceError
from sandbox.aws.balancing.hosts import LIFECYCLE_PATH, Hosts
from sandbox.aws.balancing.scaling import ScalingGroup, ScalingGroups
from sandbox.aws.balancing.target_group import GroupRules, TargetKey
from sandbox.aws.balancing.targets import Targets
from sandbox.aws.metadata import Metadata

IDS = ["i-0a", "i-0b", "i-0c"]


class World:
    """Three instances in group `asg` with two target groups attached, at least one of them to stay."""

    def __init__(self, **sizes: int) -> None:
        self.hosts = Hosts(Metadata())
        for instance_id in IDS:
            self.hosts.add(instance_id, "127.0.0.1", 8000)
        self.targets = Targets(self.hosts)
        delays = {"web": 10, "api": 20}
        self.web, self.api = (
            self.targets.add(GroupRules(name=name, deregistration_delay_s=delay)) for name, delay in delays.items()
        )
        self.scaling = ScalingGroups(self.targets, self.hosts)
        document = {"name": "asg", "instances": IDS, "min_size": 1, "max_size": 3, "target_groups": ["web", "api"]}
        self.scaling.add(ScalingGroup.read({**document, "pending_s": 1, **sizes}))
        self.group = self.scaling.named("asg")

    def settle(self, now: float) -> None:
        """Let time pass."""
        self.targets.settle(now)
        self.scaling.settle(now)

    def state(self, instance_id: str) -> str:
        """Where the group has the instance."""
        return self.group.states[instance_id]

    def lifecycle(self, instance_id: str) -> str | None:
        """What the instance's metadata says."""
        return self.hosts.get(instance_id).metadata.get(LIFECYCLE_PATH)


def test_standby_and_back() -> None:
    """Through EnteringStandby while targets drain, to Standby; through Pending to InService and all target groups."""
    world = World()
    world.targets.register(world.web, [TargetKey("i-0a", 8000)])  # by hand, at another port
    world.scaling.enter_standby("asg", ["i-0a"], 100, decrements=True)
    assert (world.state("i-0a"), world.lifecycle("i-0a")) == ("EnteringStandby", "Standby")
    assert world.group.desired_capacity == 2
    world.settle(115)
    assert world.web.keys_of("i-0a") == []
    assert world.state("i-0a") == "EnteringStandby"
    world.settle(120)
    assert world.state("i-0a") == "Standby"
    world.scaling.exit_standby("asg", ["i-0a"], 200)
    assert (world.state("i-0a"), world.lifecycle("i-0a")) == ("Pending", "InService")
    assert world.group.desired_capacity == 3
    world.settle(200.9)
    assert world.web.keys_of("i-0a") == []
    world.settle(201)
    assert world.state("i-0a") == "InService"
    assert [one.keys_of("i-0a") for one in (world.web, world.api)] == [[TargetKey("i-0a", 80)]] * 2


def test_sizes_are_kept() -> None:
    """Fewer than the minimum or more than the maximum are refused in the service's words, with nothing changed."""
    world = World(min_size=2)
    told = r"asg has min-size=2, max-size=3, and desired-size=3\. To place into standby 2 instances, please update"
    with pytest.raises(ServiceError, match=told):
        world.scaling.enter_standby("asg", ["i-0a", "i-0b"], 0, decrements=True)
    assert set(world.group.states.values()) == {"InService"}
    world.scaling.enter_standby("asg", ["i-0a", "i-0b"], 0, decrements=False)
    assert world.group.desired_capacity == 3
    world.settle(20)
    with pytest.raises(ServiceError, match=r"desired-size=3\. To place into service 1 instance, please update"):
        world.scaling.exit_standby("asg", ["i-0a"], 30)
    assert world.state("i-0a") == "Standby"


def test_only_the_right_ones_move() -> None:
    """An instance that is elsewhere, or not where it has to come from, is refused; so is an unknown group."""
    world = World()
    with pytest.raises(ServiceError, match=r"The instance i-0d is not part of Auto Scaling group asg\."):
        world.scaling.enter_standby("asg", ["i-0a", "i-0d"], 0, decrements=True)
    with pytest.raises(ServiceError, match=r"The instance i-0a is not in Standby\."):
        world.scaling.exit_standby("asg", ["i-0a"], 0)
    world.scaling.enter_standby("asg", ["i-0a"], 0, decrements=True)
    with pytest.raises(ServiceError, match=r"The instance i-0a is not in InService\.") as caught:
        world.scaling.enter_standby("asg", ["i-0a"], 0, decrements=True)
    assert not caught.value.is_violation
    with pytest.raises(ServiceError, match="name not found"):
        world.scaling.enter_standby("other", ["i-0a"], 0, decrements=True)


@pytest.mark.parametrize("is_in_standby", [False, True])
def test_scale_in_drains_first(*, is_in_standby: bool) -> None:
    """The instance leaves its target groups, then its group, and can be registered no more; its place goes with it."""
    world = World()
    if is_in_standby:
        world.scaling.enter_standby("asg", ["i-0a"], 0, decrements=True)
        world.settle(20)
    other = world.targets.add(GroupRules(name="other"))
    world.targets.register(other, [TargetKey("i-0a", 80)])
    world.scaling.terminate("i-0a", 100)
    world.scaling.terminate("i-0a", 101)
    assert (world.state("i-0a"), world.lifecycle("i-0a")) == ("Terminating", "Terminated")
    assert world.group.desired_capacity == 2
    with pytest.raises(ServiceError, match="not in InService"):
        world.scaling.enter_standby("asg", ["i-0a"], 105, decrements=True)
    world.settle(120)
    assert "i-0a" not in world.group.states
    assert other.keys_of("i-0a") == []
    with pytest.raises(ServiceError, match="not in a running state"):
        world.targets.register(world.web, [TargetKey("i-0a", 80)])


def test_the_last_one_is_not_asked_for_by_api() -> None:
    """TerminateInstanceInAutoScalingGroup minds the minimum; who scales in, does not ask."""
    world = World(min_size=3)
    with pytest.raises(ServiceError, match=r"desiredSize equals minSize \(3\)"):
        world.scaling.terminate("i-0a", 0, checks_size=True)
    world.scaling.terminate("i-0a", 0)
    assert world.group.desired_capacity == 2


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"name": "asg"}, "already"),
        ({"instances": ["i-0z"]}, "no instance"),
        ({"instances": ["i-0a"]}, "in group"),
        ({"target_groups": ["gone"]}, "no target group"),
        ({"min_size": 1}, "bad group"),
        ({"size": 1}, "unknown"),
    ],
)
def test_senseless_groups_are_refused(wrong: dict[str, object], part: str) -> None:
    """A mistake in a test's set-up shows at once, and makes no group."""
    world = World()
    with pytest.raises(ValueError, match=part):
        world.scaling.add(ScalingGroup.read({"name": "other", **wrong}))
    assert len(world.scaling.groups()) == 1
