"""Whether others can serve while this host is away. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.service.places import HEALTHY, group_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vawsum_agent.aws.load_balancing import TargetHealth
    from vawsum_agent.deploy.service.places import TargetPlace


def healthy_peers_count(rows: Iterable[TargetHealth], ours: Iterable[str]) -> int:
    """Count the hosts of a target group that are healthy, without this one.

    A host on two ports is one host. What is draining is not healthy to AWS, nor is what has yet to be checked.

    Args:
        rows: what the group says of its targets.
        ours: the ids under which this host is registered in it.
    """
    healthy = {row.target.target_id for row in rows if row.state == HEALTHY}
    return len(healthy - set(ours))


def refuse_the_last(
    targets: Sequence[TargetPlace], health: Mapping[str, Sequence[TargetHealth]], min_healthy_peers: int
) -> None:
    """See to it that every target group of this host that is in use keeps enough healthy hosts.

    A group of only unhealthy targets is routed to all the same, so a host that is unhealthy itself counts, too.

    Args:
        targets: of this host.
        health: what each target group says; one that is left out is not looked at.
        min_healthy_peers: of each.

    Raises:
        DeployError: some group would not.
    """
    for group_arn in dict.fromkeys(target.group_arn for target in targets if target.may_serve):
        if group_arn not in health:
            continue
        ours = {target.target_id for target in targets if target.group_arn == group_arn}
        count = healthy_peers_count(health[group_arn], ours)
        if count < min_healthy_peers:
            raise DeployError(_refusal(group_name(group_arn), count, min_healthy_peers), hint=_HINT)


_HINT = "wait until others are healthy; `min_healthy_peers = 0` allows to drain it, which nobody then makes up for"


def _refusal(group: str, count: int, wanted: int) -> str:
    if count == 0:
        return f"refused: the last healthy host of target group {group}"
    return f"refused: target group {group} has {count} healthy hosts beside this one, fewer than {wanted}"
