"""What is still to be done until this host is back where it was. Pure: one look in, what to do next out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.deploy.service.leaving import LOOKS_COUNT
from vawsum_agent.deploy.service.places import HEALTHY, LEAVING, TargetPlace
from vawsum_agent.deploy.service.ways import ENTERING, IN_SERVICE, STANDBY, is_coming, is_ending

if TYPE_CHECKING:
    from vawsum_agent.deploy.service.places import Place
    from vawsum_agent.deploy.service.sight import Sight


@dataclass
class Noted:
    """What earlier looks showed.

    Attributes:
        absent_count: looks in a row that did not show this host in its Auto Scaling group.
        in_place_count: looks in a row that showed nothing to do.
        has_asked: anything was to be done at all, or to be waited for.
        was_away: anything was to be done.
        is_refused: the service does not register this host, which it says does not run, or not exist.
        unused_counts: looks in a row that showed a registration of a group that nobody uses any more.
    """

    absent_count: int = 0
    in_place_count: int = 0
    has_asked: bool = False
    was_away: bool = False
    is_refused: bool = False
    unused_counts: Counter[tuple[str, str, int]] = field(default_factory=Counter)

    def add(self, place: Place, sight: Sight) -> None:
        """Remember a look."""
        is_absent = place.auto_scaling_group is not None and sight.lifecycle_state is None
        self.absent_count = self.absent_count + 1 if is_absent else 0
        unused = {each.key for each in place.targets if _is_not_in_use(sight, each)}
        self.unused_counts = Counter({key: self.unused_counts[key] + 1 for key in unused})


class Returning(NamedTuple):
    """What to do next.

    Attributes:
        exit_standby: alone; what is registered follows when the group lets this host in.
        register: those that are not registered, or are leaving.
        deregister: those that came with the end of standby, and were not there before.
        waiting_for: empty when this host is where it was, or when there is no such place any more.
        gone: why there is none; empty otherwise.
        unhealthy: what the load balancer says of those that keep it waiting.
        is_draining: a drain that was cut off has to end first, which may take the whole deregistration delay.
    """

    exit_standby: bool = False
    register: tuple[TargetPlace, ...] = ()
    deregister: tuple[TargetPlace, ...] = ()
    waiting_for: str = ""
    gone: str = ""
    unhealthy: str = ""
    is_draining: bool = False


def next_returning(place: Place, sight: Sight, noted: Noted) -> Returning:
    """Say what is next, by a look and by what was noted before; the look is remembered."""
    noted.add(place, sight)
    returning = _next(place, sight, noted)
    noted.has_asked = noted.has_asked or bool(returning.waiting_for)
    noted.was_away = noted.was_away or bool(returning.exit_standby or returning.register or returning.is_draining)
    noted.in_place_count = 0 if returning.waiting_for else noted.in_place_count + 1
    # Whoever was killed while it asked to leave may have been heard, and what is shown be of before; so may a target
    # group that standby puts this host into.
    may_change = place.is_left_out or not noted.has_asked
    if not (returning.waiting_for or returning.gone) and may_change and noted.in_place_count < LOOKS_COUNT:
        return Returning(waiting_for=_SETTLED)
    return returning


_SETTLED = "what AWS says to settle"


def _next(place: Place, sight: Sight, noted: Noted) -> Returning:
    group, state = place.auto_scaling_group, sight.lifecycle_state
    if group is not None and state is not None and is_ending(state):
        return Returning(gone=f"this host is being terminated: it is {state} in {group}")
    if group is not None and state is None:
        if noted.absent_count < LOOKS_COUNT:
            return Returning(waiting_for=f"{group} to know this host")
        # Out of standby nothing leads but the group. Where that was not how it left, it goes on as a host of its own.
        if place.way == "standby" or noted.is_refused:
            return Returning(gone=f"this host is not in {group} any more: terminated or detached, not by the deploy")
    if place.way == "standby" and state == STANDBY:
        return Returning(exit_standby=True, waiting_for=f"{group} to put this host into service")
    if place.way == "standby" and state == ENTERING:
        return Returning(waiting_for=f"standby in {group}, which is to be left again", is_draining=True)
    return _registered(place, sight, noted)


def _registered(place: Place, sight: Sight, noted: Noted) -> Returning:
    ours = [each for each in place.targets if each.is_ours_to_restore and sight.has_group(each)]
    # In standby the group registers this host itself where it is attached: to the service it is no error to have it
    # twice, and nobody has to know which target groups are attached and which are not.
    missing = tuple(each for each in ours if (sight.state_of(each) or "draining") in LEAVING)
    ill = [each for each in ours if _keeps_waiting(sight, each, noted)]
    names = [f"{each.group_name}:{each.port}" for each in missing if each not in ill]
    waiting = [f"{each.group_name}:{each.port} to be healthy" for each in ill]
    waiting += [f"{', '.join(names)} to be registered"] if names else []
    if place.way == "standby" and sight.lifecycle_state != IN_SERVICE:
        waiting.insert(0, _until_in_service(place, str(sight.lifecycle_state)))
    may_come = place.way != "standby" or _is_let_in(str(sight.lifecycle_state))
    unwanted = _unwanted(place, sight, ours)
    waiting += [f"{each.group_name}:{each.port} to be left, where it was not" for each in unwanted]
    return Returning(
        register=missing if may_come else (),
        deregister=unwanted,
        waiting_for=" and ".join(waiting),
        unhealthy="; ".join(filter(None, (_complaint(sight, each) for each in ill))),
    )


def _unwanted(place: Place, sight: Sight, ours: list[TargetPlace]) -> tuple[TargetPlace, ...]:
    """Find where the group registered this host, knowing nothing of who had taken it out there."""
    wanted = {each.key for each in ours}
    found = [
        TargetPlace(group_arn=arn, target_id=place.instance_id, port=row.target.port, state_before=row.state)
        for arn in place.attached
        for row in sight.health.get(arn, ())
        if row.target.target_id == place.instance_id
    ]
    return tuple(
        each for each in found if each.key not in wanted and (sight.state_of(each) or "draining") not in LEAVING
    )


def _is_let_in(state: str) -> bool:
    return state == IN_SERVICE or is_coming(state)


def _keeps_waiting(sight: Sight, each: TargetPlace, noted: Noted) -> bool:
    if each.state_before != HEALTHY or sight.state_of(each) == HEALTHY:
        return False
    # Whoever took the listener away meanwhile keeps it from ever being healthy: it is registered, as it was.
    return noted.unused_counts[each.key] < LOOKS_COUNT


def _is_not_in_use(sight: Sight, each: TargetPlace) -> bool:
    row = sight.of(each)
    return row is not None and row.reason == "Target.NotInUse"


def _until_in_service(place: Place, state: str) -> str:
    held = ", where a lifecycle hook holds it" if is_coming(state) and state.endswith(":Wait") else ""
    return f"{place.auto_scaling_group} to put this host, {state}{held}, into service"


def _complaint(sight: Sight, each: TargetPlace) -> str:
    row = sight.of(each)
    if row is None or row.state == HEALTHY:
        return ""
    says = " ".join(filter(None, (row.reason, row.description)))
    return f"{each.group_name}:{each.port} is {row.state}" + (f" ({says})" if says else "")
