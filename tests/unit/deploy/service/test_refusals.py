"""What is not drained, what can't come back, and what is said then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.service.driving import HOST, TIMEOUT_S, drain, record, restore
from tests.unit.deploy.service.world import ME, Group, World, alone, group, in_asg
from vawsum_agent.aws.load_balancing import Target
from vawsum_agent.core.errors import AccessDenied, AwsError, DeployError
from vawsum_agent.deploy.service.host import Host

if TYPE_CHECKING:
    from vawsum_agent.config.model.deploy import DrainWay


def set_peers(of: Group, state: str) -> None:
    """Have all peers be in a state."""
    for target, entry in of.entries.items():
        if target.target_id != ME:
            entry.state = state


@pytest.mark.parametrize("state", ["unhealthy", "draining", "initial", "unavailable"])
def test_the_last_healthy_host_is_refused(state: str) -> None:
    """Of any one target group, before anything is touched; the message names it."""
    world = in_asg()
    set_peers(world.groups[1], state)
    before = world.picture()
    with pytest.raises(DeployError, match="refused: the last healthy host of target group admin"):
        record(world)
    assert world.picture() == before
    assert record(world, peers=0).way == "standby"


def test_peers_are_hosts_not_ports() -> None:
    """One other host on two ports is one; as many as configured are needed."""
    world = World([group("web", 80, peers=1)], state=None)
    entries = world.groups[0].entries
    entries[Target("i-peer0", 8080)] = entries[Target("i-peer0", 80)]
    assert record(world, peers=1).way == "deregister"
    with pytest.raises(DeployError, match="web has 1 healthy hosts beside this one, fewer than 2"):
        record(world, peers=2)


def test_a_group_that_nobody_uses_needs_no_peers() -> None:
    """Without a listener its targets are unused, never healthy; this host leaves it and comes back all the same."""
    world = World([group("web", 80), group("spare", 80, peers=0, state="unused")], state=None)
    before = world.picture()
    place = record(world)
    drain(world, place)
    assert world.mine("spare") == []
    restore(world, place)
    assert world.picture() == before


def test_two_hosts_that_leave_at_once_both_stay() -> None:
    """Each was counted by the other: the drain gives up at once, and the host goes back into service."""
    world = alone()
    before = world.picture()
    place = record(world)
    world.at(2.0, lambda: set_peers(world.groups[0], "unhealthy"))
    began = world.time
    with pytest.raises(DeployError, match="last healthy host of target group web"):
        drain(world, place)
    assert world.time - began < 15
    set_peers(world.groups[0], "healthy")
    restore(world, place)
    assert world.picture() == before


def test_minimum_size() -> None:
    """A group that may not shrink refuses; nothing was touched, and the hint says what to do."""
    world = in_asg(min_size=3)
    before = world.picture()
    place = record(world)
    with pytest.raises(DeployError, match=r"can't go into standby: .*min-size=3") as caught:
        drain(world, place)
    assert "lower the minimum" in caught.value.hint
    restore(world, place)
    assert world.picture() == before


def test_maximum_size_reached_meanwhile() -> None:
    """A group that grew while this host was away does not take it back until there is room; it is asked on."""
    world = in_asg(max_size=3)
    before = world.picture()
    place = record(world)
    drain(world, place)
    world.desired = 3
    world.at(60.0, lambda: setattr(world, "desired", 2))
    restore(world, place)
    assert world.picture() == before


def test_maximum_size_for_good() -> None:
    """It says so when the time is over, with what to do; later it can be tried again."""
    world = in_asg(max_size=3)
    before = world.picture()
    place = record(world)
    drain(world, place)
    world.desired = 3
    with pytest.raises(DeployError, match="max-size=3") as caught:
        restore(world, place)
    assert "raise the maximum" in caught.value.hint
    world.desired = 2
    restore(world, place)
    assert world.picture() == before


def test_scale_in_while_it_drains() -> None:
    """The drain fails saying so, and the return ends cleanly: there is nothing to come back to."""
    ways: tuple[DrainWay, ...] = ("auto", "deregister")
    for way in ways:
        world = in_asg()
        place = record(world, way)
        world.at(20.0, lambda world=world: setattr(world, "state", "Terminating:Wait"))  # type: ignore[misc]
        began = world.time
        with pytest.raises(DeployError, match="being terminated: it is Terminating:Wait"):
            drain(world, place)
        assert world.time - began < 40
        assert restore(world, place).outcome == "terminated"
        assert "nothing to come back to" in world.said[-1]
        assert world.calls["exit_standby"] == world.calls["register"] == 0


def test_terminated_while_it_comes_back() -> None:
    """Out of its group's list for good: not waited for in vain."""
    world = in_asg()
    place = record(world)
    drain(world, place)
    world.state = None
    began = world.time
    assert restore(world, place).outcome == "terminated"
    assert 2 <= world.time - began < 20


def test_one_answer_without_this_host_proves_nothing() -> None:
    """Describing is eventually consistent."""
    world = in_asg()
    before = world.picture()
    place = record(world)
    drain(world, place)
    world.state = None
    world.at(1.5, lambda: setattr(world, "state", "Standby"))
    assert restore(world, place).outcome == "in service"
    assert world.picture() == before


def test_somebody_puts_it_back() -> None:
    """A drain that can't come true any more is given up at once, not when the time is over."""
    world = alone()
    place = record(world)
    world.at(20.0, lambda: world._join(world.groups[0], [Target(ME, 80)]))
    began = world.time
    with pytest.raises(DeployError, match="web:80 had begun to leave and is registered again, by somebody else"):
        drain(world, place)
    assert world.time - began < 60


def test_somebody_ends_its_standby() -> None:
    """The same in a group, while a registration by hand still drains."""
    world = in_asg()
    world.groups[1].delay_s = 900
    place = record(world)
    world.at(400.0, world._exit)
    with pytest.raises(DeployError, match="put into standby in web-asg, and back into service by somebody else"):
        drain(world, place)
    assert world.state == "InService"


@pytest.mark.parametrize("lifecycle", ["Standby", "Pending:Wait", "Warmed:Pending:Wait"])
def test_out_of_service_already(lifecycle: str) -> None:
    """Put aside by somebody, or held back by a hook: it stays so, and leaves only where it is registered by hand."""
    world = World([group("admin", 80)], state=lifecycle)
    before = world.picture()
    place = record(world)
    assert (place.way, place.lifecycle_state) == ("deregister", lifecycle)
    drain(world, place)
    restore(world, place)
    assert world.picture() == before
    assert world.calls["exit_standby"] == 0
    assert record(World([group("web")], state=lifecycle)).way == "none"


@pytest.mark.parametrize(
    ("lifecycle", "text"),
    [
        ("Pending", "refused: this host is Pending in web-asg, which passes"),
        ("EnteringStandby", "which passes"),
        ("Detaching", "which passes"),
        ("ReplacingRootVolume", "which passes"),
        ("Terminating:Wait", "being terminated"),
        ("Warmed:Terminating", "being terminated"),
    ],
)
@pytest.mark.parametrize("way", ["auto", "standby", "deregister"])
def test_on_its_way_somewhere(lifecycle: str, text: str, way: DrainWay) -> None:
    """What it is to come back to can't be told: refused before anything is touched."""
    with pytest.raises(DeployError, match=text):
        record(in_asg(state=lifecycle), way)


def test_nothing_to_leave() -> None:
    """In no target group and no Auto Scaling group: nothing is done, and it is said loudly."""
    world = World([group("web")], state=None)
    place = record(world)
    assert place.way == "none"
    assert "NOT DRAINED: this host is in no target group" in world.said[-1]
    assert drain(world, place).left_at == world.time
    assert restore(world, place).outcome == "untouched"
    with pytest.raises(DeployError, match="in no Auto Scaling group"):
        record(world, "standby")


def test_no_drain_by_configuration() -> None:
    """AWS is not even asked."""
    world = in_asg()
    assert record(world, "none").way == "none"
    assert world.calls.total() == 0
    assert "NOT DRAINED" in world.said[-1]


def test_what_was_not_healthy_need_not_become_so() -> None:
    """It is registered again, as it was; nobody waits for more."""
    world = World([group("web", 80), group("old", 80, state="unhealthy")], state=None)
    world.groups[1].becomes = "unhealthy"
    place = record(world)
    drain(world, place)
    began = world.time
    restore(world, place)
    assert world.time - began < 20
    assert world.mine("old") == ["unhealthy"]


def test_what_somebody_was_taking_out_stays_out() -> None:
    """A registration that was draining before is none of ours."""
    world = World([group("web", 80), group("old", 80, state="draining")], state=None)
    world.groups[1].entries[Target(ME, 80)].since = world.time
    place = record(world)
    drain(world, place)
    restore(world, place)
    assert (world.mine("web"), world.mine("old")) == (["healthy"], [])


def test_not_healthy_in_time() -> None:
    """Not before the time is over, and with what the load balancer says."""
    world = alone()
    place = record(world)
    drain(world, place)
    world.groups[0].becomes = "unhealthy"
    began = world.time
    with pytest.raises(DeployError, match="in vain for web:80 to be healthy: web:80 is unhealthy"):
        restore(world, place)
    assert TIMEOUT_S <= world.time - began < TIMEOUT_S + 15


def test_what_is_gone_meanwhile() -> None:
    """A deleted target group is told and left; one that lost its listener is registered in, as it was."""
    world = alone()
    place = record(world)
    drain(world, place)
    world.groups[0].becomes = "unused"
    del world.groups[1]
    assert restore(world, place).outcome == "in service"
    assert world.mine("web") == ["unused"]
    assert world.said[-1] == "target group admin was deleted meanwhile: this host is not registered in it any more"


def test_no_drain_within_its_time() -> None:
    """The deregistration delay and the timeout: then it fails, with what it waited for."""
    world = alone()
    place = record(world)
    for of in world.groups:
        of.slow_s = 10_000.0
    began = world.time
    with pytest.raises(DeployError, match="in vain for admin:80, admin:8080, web:80 to leave"):
        drain(world, place)
    assert 300 + TIMEOUT_S <= world.time - began < 300 + TIMEOUT_S + 15
    assert "at most" in world.said[-1]


def test_delays_longer_than_any_waiter() -> None:
    """An hour of draining is waited for, not asked for every second."""
    world = World([group("web", 80, delay_s=3600)], state=None)
    place = record(world)
    drained = drain(world, place)
    assert 3600 <= drained.drained_at - drained.left_at < 3605
    assert world.calls["target_health"] < 500
    assert len(world.said) < 150


def test_addresses_of_another_network_are_not_this_host() -> None:
    """An address is registered with its zone; the same address in another VPC is somebody else's."""
    here = Target("10.0.0.10", 80, "ap-south-1a")
    world = World([group("web"), group("theirs")], state=None)
    for of, vpc_id in zip(world.groups, ("vpc-1", "vpc-2"), strict=True):
        of.kind, of.vpc_id = "ip", vpc_id
        of.entries[here] = group("x", 80).entries[Target(ME, 80)]
    place = record(world)
    assert [(each.group_name, each.target) for each in place.targets] == [("web", here)]
    assert len(record(world, host=Host(ME, HOST.addresses)).targets) == 2


def test_not_allowed() -> None:
    """A drain that may not ask fails at once, with the permission to add; a return tries on until its time is over."""

    class Denied(World):
        def deregister(self, group_arn: str, targets: object) -> None:
            raise AccessDenied(f"DeregisterTargets on {group_arn} {targets}", hint="allow it")

        def register(self, group_arn: str, targets: object) -> None:
            raise AccessDenied(f"RegisterTargets on {group_arn} {targets}", hint="allow it, too")

    world = Denied([group("web", 80)], state=None)
    place = record(world)
    with pytest.raises(AwsError, match="DeregisterTargets"):
        drain(world, place)
    del world.groups[0].entries[Target(ME, 80)]
    with pytest.raises(DeployError, match="RegisterTargets") as caught:
        restore(world, place)
    assert caught.value.hint == "allow it, too"
