"""Calls what is tested with a world for everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.deploy.service.world import ME
from vawsum_agent.deploy.service import draining, recording, restoring
from vawsum_agent.deploy.service.host import Host

if TYPE_CHECKING:
    from tests.unit.deploy.service.world import World
    from vawsum_agent.config.model.deploy import DrainWay
    from vawsum_agent.deploy.service.outage import Drained, Restored
    from vawsum_agent.deploy.service.places import Place

TIMEOUT_S = 120.0
HOST = Host(ME, frozenset({"10.0.0.10"}), "vpc-1")


def record(world: World, drain: DrainWay = "auto", peers: int = 1, host: Host = HOST) -> Place:
    """Record."""
    return recording.record(
        world.services, host=host, drain=drain, min_healthy_peers=peers, sleep=world.sleep, say=world.say
    )


def drain(world: World, place: Place, *, guards_peers: bool = True) -> Drained:
    """Drain."""
    return draining.drain(
        world.services,
        place,
        clock=world,
        sleep=world.sleep,
        timeout_s=TIMEOUT_S,
        say=world.say,
        guards_peers=guards_peers,
    )


def restore(world: World, place: Place) -> Restored:
    """Restore."""
    return restoring.restore(world.services, place, clock=world, sleep=world.sleep, timeout_s=TIMEOUT_S, say=world.say)
