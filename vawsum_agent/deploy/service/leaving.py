"""What is still to be done until this host is out of service. Pure: one look in, what to do next out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.service.peers import refuse_the_last
from vawsum_agent.deploy.service.places import LEAVING
from vawsum_agent.deploy.service.ways import ENTERING, IN_SERVICE, STANDBY, being_terminated, is_ending

if TYPE_CHECKING:
    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.deploy.service.places import Place, TargetPlace
    from vawsum_agent.deploy.service.sight import Sight

LOOKS_COUNT = 3
"""Describing is eventually consistent: what a single answer shows may be of the past. As many in a row are believed."""


@dataclass
class Seen:
    """What earlier looks showed, and what came of asking.

    Attributes:
        was_standing_by: it was on its way into standby, or in it.
        left: registrations that were seen to be leaving, or gone.
        against_count: looks in a row that showed what can't be while it is drained.
        refusal: what the service last answered instead of doing what it was asked; None when it did it.
    """

    was_standing_by: bool = False
    left: set[tuple[str, str, int]] = field(default_factory=set)
    against_count: int = 0
    refusal: AgentError | None = None

    def add(self, place: Place, sight: Sight) -> None:
        """Remember a look."""
        self.was_standing_by = self.was_standing_by or sight.lifecycle_state in {STANDBY, ENTERING}
        self.left |= {each.key for each in place.targets if not _is_serving(sight.state_of(each))}


class Leaving(NamedTuple):
    """What to do next.

    Attributes:
        enter_standby: first, alone: the service may refuse, and then nothing was touched.
        deregister: those that have not begun to leave.
        waiting_for: empty when this host is out of service.
    """

    enter_standby: bool = False
    deregister: tuple[TargetPlace, ...] = ()
    waiting_for: str = ""


def next_leaving(place: Place, sight: Sight, seen: Seen, *, guards_peers: bool) -> Leaving:
    """Say what is next, by a look and by what was `seen` before; the look is remembered.

    With ``guards_peers`` it gives up as soon as a target group has too few healthy hosts besides: two hosts that leave
    in the same moment each counted on the other, and both go back.

    Raises:
        DeployError: it can't be drained any more, or must not be.
    """
    group, state = place.auto_scaling_group, sight.lifecycle_state
    if group is not None and state is not None and is_ending(state):
        raise being_terminated(group, state)
    if guards_peers:
        refuse_the_last(place.targets, sight.health, place.min_healthy_peers)
    against = _against(place, sight, seen)
    seen.against_count = seen.against_count + 1 if against else 0
    seen.add(place, sight)
    if against is None:
        return _next(place, sight, seen)
    if seen.against_count >= LOOKS_COUNT:
        raise against
    return Leaving(waiting_for="what AWS says to settle")


def _next(place: Place, sight: Sight, seen: Seen) -> Leaving:
    group, state = place.auto_scaling_group, sight.lifecycle_state
    if place.way == "standby" and state == IN_SERVICE:
        if seen.refusal is not None:
            raise DeployError(f"can't go into standby: {seen.refusal.message}", hint=seen.refusal.hint or _ASK_FOR_ROOM)
        return Leaving(enter_standby=True, waiting_for=f"{group} to set this host aside")
    if place.way == "standby" and state not in {STANDBY, ENTERING}:
        return Leaving(waiting_for=f"{group} to set this host aside, which is {state}")
    serving = tuple(each for each in place.targets if _is_serving(sight.state_of(each)))
    names = [f"{each.group_name}:{each.port}" for each in place.targets if sight.state_of(each) is not None]
    if names:
        return Leaving(deregister=serving, waiting_for=f"{', '.join(names)} to leave")
    if place.way == "standby" and state == ENTERING:
        return Leaving(waiting_for=f"standby in {group}")
    return Leaving()


def _against(place: Place, sight: Sight, seen: Seen) -> DeployError | None:
    """Tell what shows that somebody else moves this host about."""
    group, state = place.auto_scaling_group, sight.lifecycle_state
    if group is not None and state is None:
        return DeployError(
            f"this host is not in {group} any more: it is being terminated, or was detached",
            hint="when it is to go on as a host of its own, start the deploy again",
        )
    if place.way == "standby" and seen.was_standing_by and state not in {STANDBY, ENTERING}:
        return DeployError(
            f"this host was put into standby in {group}, and back into service by somebody else",
            hint="find out who does so, and try again",
        )
    back = (each for each in place.targets if each.key in seen.left and _is_serving(sight.state_of(each)))
    again = next(back, None)
    if again is None:
        return None
    return DeployError(
        f"{again.group_name}:{again.port} had begun to leave and is registered again, by somebody else",
        hint="find out who registers this host, such as an instance refresh or another deploy, and try again",
    )


_ASK_FOR_ROOM = (
    "where the group's minimum size is its desired capacity, lower the minimum by one or raise the desired capacity; "
    'or set `drain = "deregister"`'
)


def _is_serving(state: str | None) -> bool:
    return state is not None and state not in LEAVING
