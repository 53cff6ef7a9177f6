"""This host leaves its load balancers and comes back to exactly where it was, whatever is killed or lost on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.deploy.service.driving import drain, record, restore
from tests.unit.deploy.service.world import GROUP, Killed, alone, in_asg, left_out
from vawsum_agent.deploy.service.outage import out_of_service_s
from vawsum_agent.deploy.service.places import Place, Way

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.deploy.service.world import World
    from vawsum_agent.config.model.deploy import DrainWay

WORLDS: list[tuple[Callable[[], World], DrainWay, Way]] = [
    (in_asg, "auto", "standby"),
    (in_asg, "deregister", "deregister"),
    (alone, "auto", "deregister"),
    (left_out, "auto", "standby"),
]
CHANGES = {"enter_standby", "exit_standby", "register", "deregister"}


@pytest.mark.parametrize(("make", "way", "chosen"), WORLDS)
def test_there_and_back(make: Callable[[], World], way: DrainWay, chosen: Way) -> None:
    """Out of every target group and port, the same again afterwards, in no more time than it takes."""
    world = make()
    before = world.picture()
    place = record(world, way)
    assert place.way == chosen
    drained = drain(world, place)
    assert world.mine("web") == world.mine("admin") == []
    assert world.state == {"standby": "Standby", "deregister": place.lifecycle_state}[chosen]
    assert 300 <= drained.drained_at - drained.left_at <= 300 + 8
    restored = restore(world, place)
    assert restored.outcome == "in service"
    assert world.picture() == before
    away_s = out_of_service_s(drained.left_at, restored.back_at)
    assert away_s is not None
    assert away_s <= 300 + 20


def test_the_place_outlives_the_process() -> None:
    """What the journal keeps is all that a return needs: JSON, there and back."""
    place = record(in_asg())
    assert (place.auto_scaling_group, place.lifecycle_state) == (GROUP, "InService")
    assert [(each.group_name, each.port) for each in place.targets] == [("admin", 80), ("admin", 8080), ("web", 80)]
    assert msgspec.json.decode(msgspec.json.encode(place), type=Place) == place


def deploy(world: World, place: Place) -> None:
    """Leave and come back."""
    drain(world, place)
    restore(world, place)


def calls_of_a_deploy(make: Callable[[], World], way: DrainWay) -> list[str]:
    """Name every call there is after the record, in order."""
    names: list[str] = []
    world = make()
    place = record(world, way)

    def listen(name: str, _number: int) -> str:
        names.append(name)
        return ""

    world.dies = listen
    deploy(world, place)
    return names


@pytest.mark.parametrize("fate", ["before", "after"])
@pytest.mark.parametrize(("make", "way", "chosen"), WORLDS)
def test_killed_at_any_call(make: Callable[[], World], way: DrainWay, chosen: Way, fate: str) -> None:
    """Before it or after it took effect: the next start restores from the place alone, to what was before."""
    names = calls_of_a_deploy(make, way)
    # Of runs of looks, all alike, the first ones stand for all.
    moments = [at for at, name in enumerate(names) if name in CHANGES or names[max(0, at - 4) : at].count(name) < 2]
    assert len(moments) > 6, chosen
    for moment in moments:
        world = make()
        before = world.picture()
        place = record(world, way)
        first = world.calls.total()
        world.dies = lambda _name, number, at=first + moment: fate if number == at else ""  # type: ignore[misc]
        with pytest.raises(Killed):
            deploy(world, place)
        world.sleep(1.0)
        assert restore(world, place).outcome == "in service", moment
        world.sleep(400.0)
        assert world.picture() == before, moment


@pytest.mark.parametrize("fate", ["before", "after"])
def test_a_drain_is_taken_up_again(fate: str) -> None:
    """Killed at whatever call changes something, the same drain asked for again ends drained."""
    for moment in range(4):
        world = in_asg()
        place = record(world)
        changes = iter(range(100))
        world.dies = lambda name, _number, at=moment, count=changes: (  # type: ignore[misc]
            fate if name in CHANGES and next(count) == at else ""
        )
        try:
            drain(world, place)
        except Killed:
            world.sleep(1.0)
            drain(world, place)
        assert world.mine("web") == world.mine("admin") == []
        assert world.state == "Standby"


@pytest.mark.parametrize(("make", "way", "chosen"), WORLDS)
def test_every_answer_is_lost_once(make: Callable[[], World], way: DrainWay, chosen: Way) -> None:
    """What was carried out although no answer came is seen, not done twice and not left undone."""
    world = make()
    before = world.picture()
    place = record(world, way)
    heard: set[str] = set()

    def lose_the_first(name: str, _number: int) -> str:
        is_first = name not in heard
        heard.add(name)
        return "lost" if is_first else ""

    world.dies = lose_the_first
    deploy(world, place)
    assert world.picture() == before
    assert chosen != "standby" or world.calls["enter_standby"] == 1


def test_once_more_in_service() -> None:
    """What drains again after a return does so, and comes back again: a bad release that serves must leave."""
    world = in_asg()
    before = world.picture()
    place = record(world)
    deploy(world, place)
    drain(world, place, guards_peers=False)
    assert world.mine("web") == []
    restore(world, place)
    assert world.picture() == before


def test_a_return_may_be_asked_for_twice() -> None:
    """The second finds nothing to do, soon."""
    world = in_asg()
    place = record(world)
    deploy(world, place)
    began, before = world.time, world.picture()
    restore(world, place)
    assert (world.picture(), world.time - began < 5) == (before, True)


def test_a_drain_that_aws_heard_of_late() -> None:
    """Killed while it asked to leave: what shows only seconds later is noticed, and undone."""
    world = in_asg()
    before = world.picture()
    place = record(world)
    world.at(1.5, world._enter)
    restore(world, place)
    assert world.picture() == before
