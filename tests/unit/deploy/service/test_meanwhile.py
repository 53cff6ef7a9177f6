"""What somebody else does to this host, before a deploy or while it is away, and what is left of that."""

from __future__ import annotations

import pytest

from tests.unit.deploy.service.driving import drain, record, restore
from tests.unit.deploy.service.world import ME, World, group, in_asg, left_out
from vawsum_agent.aws.load_balancing import Target
from vawsum_agent.core.errors import DeployError


def test_taken_out_of_an_attached_group() -> None:
    """The end of standby registers this host with all attached groups: where it was not, it leaves again."""
    world = left_out()
    before = world.picture()
    place = record(world)
    drain(world, place)
    assert restore(world, place).outcome == "in service"
    assert (world.picture(), world.calls["deregister"] > 0) == (before, True)
    calls = world.calls["deregister"]
    restore(world, place)
    assert world.calls["deregister"] == calls


def test_being_taken_out_of_an_attached_group() -> None:
    """The same while it drains there, which is not waited for once more."""
    world = in_asg(attached=("web", "old"))
    world.groups.append(group("old", 80, state="draining"))
    world.groups[2].entries[Target(ME, 80)].since = world.time
    place = record(world)
    drain(world, place)
    began = world.time
    restore(world, place)
    assert (world.mine("web"), world.mine("old"), world.time - began < 30) == (["healthy"], ["draining"], True)


def test_registered_by_the_group_late() -> None:
    """In service, with nothing to wait for, before it shows where it does not belong: it is looked at once more."""
    world = World([group("web", 80, state="unused"), group("old", delay_s=0)], attached=("web", "old"))
    before = world.picture()
    place = record(world)
    drain(world, place)
    asked = world.calls["deregister"]
    world.attached = ("web",)
    world.at(4.5, lambda: world._join(world.groups[1], [Target(ME, 80)]))
    restore(world, place)
    assert (world.picture(), world.calls["deregister"]) == (before, asked + 1)


def test_only_what_the_group_did_is_undone() -> None:
    """Who registers this host meanwhile where its group does not, means it."""
    world = in_asg()
    world.groups.append(group("new"))
    place = record(world)
    drain(world, place)
    world._join(world.groups[2], [Target(ME, 80)])
    restore(world, place)
    assert world.mine("new") == ["healthy"]


def test_one_that_has_just_come_into_service() -> None:
    """Its registration may show late: it is looked for more than once, or it would be taken for one that left."""
    world = left_out()
    world.at(3.0, lambda: world._join(world.groups[2], [Target(ME, 80)]))
    place = record(world)
    assert "old" in {each.group_name for each in place.targets}
    drain(world, place)
    restore(world, place)
    assert len(world.mine("old")) == 1


def detached(world: World) -> None:
    """Have it let go by its group, as a host of its own."""
    world.state = None


def test_detached_while_it_is_away() -> None:
    """Deregistered by the deploy, not by its group: it comes back to where it was, as a host of its own."""
    world = in_asg()
    place = record(world, "deregister")
    drain(world, place)
    detached(world)
    assert restore(world, place).outcome == "in service"
    assert (world.mine("web"), world.mine("admin")) == (["healthy"], ["healthy"] * 2)


def test_detached_while_it_leaves() -> None:
    """The drain ends, and what had begun to leave comes back."""
    world = in_asg()
    place = record(world, "deregister")
    world.at(20.0, lambda: detached(world))
    with pytest.raises(DeployError, match="terminated, or was detached"):
        drain(world, place)
    assert restore(world, place).outcome == "in service"
    assert (world.mine("web"), world.mine("admin")) == (["healthy"], ["healthy"] * 2)


def test_gone_while_it_is_away() -> None:
    """A host that does not run any more is not registered: there is nothing to come back to, and that is soon known."""
    world = in_asg()
    place = record(world, "deregister")
    drain(world, place)
    detached(world)
    world.is_running = False
    began = world.time
    assert restore(world, place).outcome == "terminated"
    assert world.time - began < 20
    assert world.mine("web") == []


def test_whether_it_was_away() -> None:
    """A drain that was refused before anything began to leave is no outage; one that took place is."""
    world = in_asg(min_size=3)
    place = record(world)
    with pytest.raises(DeployError, match="can't go into standby"):
        drain(world, place)
    assert not restore(world, place).was_away
    world.min_size = 0
    drain(world, place)
    assert restore(world, place).was_away
