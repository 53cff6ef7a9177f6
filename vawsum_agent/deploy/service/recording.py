"""Finds where this host stands before it is touched, and refuses to touch the last healthy one. Changes nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import NotFound
from vawsum_agent.deploy.service.leaving import LOOKS_COUNT
from vawsum_agent.deploy.service.patience import patiently
from vawsum_agent.deploy.service.peers import refuse_the_last
from vawsum_agent.deploy.service.places import NOT_DRAINED, Place, TargetPlace, described
from vawsum_agent.deploy.service.ways import way_out

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.aws.load_balancing import TargetGroup, TargetHealth
    from vawsum_agent.config.model.deploy import DrainWay
    from vawsum_agent.deploy.service.host import Host
    from vawsum_agent.deploy.service.services import Services

    _Found = tuple[TargetPlace, Sequence[TargetHealth]]

_AT_ONCE_COUNT = 4
"""Few: the quota of the reads is the account's, and every host of the fleet asks."""

_PAUSE_S = 2.0


def record(
    services: Services,
    *,
    host: Host,
    drain: DrainWay,
    min_healthy_peers: int,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> Place:
    """Tell where this host stands, and how it will leave.

    Every target group of the region is looked at, not only those of the Auto Scaling group: a host may be registered by
    hand as well, and in one group on several ports. May be called any number of times before `drain`; after, what it
    gives back is no longer where the host stood.

    Raises:
        DeployError: it is the last healthy host of a target group; or its state is about to change.
        AwsError: AWS does not answer, or does not allow to ask.
    """
    if drain == "none":
        place = Place(way="none", instance_id=host.instance_id)
        say(NOT_DRAINED)
        return place
    membership = patiently(lambda: services.scaling.membership(host.instance_id), sleep)
    found = _registrations(services, host, sleep)
    way = way_out(drain, membership, [target for target, _ in found])
    attached: Sequence[str] = ()
    if way == "standby" and membership is not None:
        group = membership.group
        attached = patiently(lambda: services.scaling.attached_target_groups(group), sleep)
        found = _certain(found, attached, services, host, sleep)
    targets = tuple(target for target, _ in found)
    if way != "none":
        refuse_the_last(targets, {target.group_arn: rows for target, rows in found}, min_healthy_peers)
    place = Place(
        way=way,
        instance_id=host.instance_id,
        targets=targets,
        auto_scaling_group=membership.group if membership else None,
        lifecycle_state=membership.lifecycle_state if membership else None,
        min_healthy_peers=min_healthy_peers,
        attached=tuple(attached),
    )
    say(described(place))
    return place


def _certain(
    found: list[_Found], attached: Sequence[str], services: Services, host: Host, sleep: Callable[[float], None]
) -> list[_Found]:
    """Look again while this host does not show in a target group attached: what is missing is to stay out of it.

    One that has just come into service is registered there, and may not show yet.
    """
    for _ in range(LOOKS_COUNT - 1):
        if {target.group_arn for target, _ in found}.issuperset(attached):
            break
        sleep(_PAUSE_S)
        found = _registrations(services, host, sleep)
    return found


def _registrations(services: Services, host: Host, sleep: Callable[[float], None]) -> list[_Found]:
    groups = patiently(services.balancing.target_groups, sleep)

    def rows_of(group: TargetGroup) -> Sequence[TargetHealth]:
        try:
            return patiently(lambda: services.balancing.target_health(group.arn), sleep)
        except NotFound:
            return ()  # deleted since it was listed

    with ThreadPoolExecutor(_AT_ONCE_COUNT, "target-health") as pool:
        answers = list(pool.map(rows_of, groups))
    found = [
        (_place(group, row), rows)
        for group, rows in zip(groups, answers, strict=True)
        for row in rows
        if host.is_target(group, row.target) and row.reason != "Target.NotRegistered"
    ]
    return sorted(found, key=lambda each: each[0].key)


def _place(group: TargetGroup, row: TargetHealth) -> TargetPlace:
    return TargetPlace(
        group_arn=group.arn,
        target_id=row.target.target_id,
        port=row.target.port,
        # API: "not supported if the target type of the target group is instance".
        availability_zone=row.target.availability_zone if group.kind == "ip" else None,
        state_before=row.state,
        reason_before=row.reason,
    )
