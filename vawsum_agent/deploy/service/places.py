"""Where this host stood before it was drained: what the journal keeps, so that anybody can put it back. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from vawsum_agent.aws.load_balancing import Target

Way = Literal["standby", "deregister", "none"]

NOT_DRAINED = "NOT DRAINED, by configuration: whoever sends this host requests goes on while it changes"

HEALTHY = "healthy"
LEAVING = frozenset({"draining", "unhealthy.draining"})
UNUSED = "unused"


class TargetPlace(msgspec.Struct, frozen=True, kw_only=True):
    """One registration of this host.

    Attributes:
        target_id: the instance's id, or an address of this host.
        availability_zone: of an address, as it was given or found at its registration.
        state_before: in AWS's words; only what was healthy has to become healthy again.
        reason_before: AWS's code for it; empty where it gave none.
    """

    group_arn: str
    target_id: str
    port: int
    availability_zone: str | None = None
    state_before: str
    reason_before: str = ""

    @property
    def group_name(self) -> str:
        """The name that people gave the target group."""
        return group_name(self.group_arn)

    @property
    def target(self) -> Target:
        """As it is registered."""
        return Target(self.target_id, self.port, self.availability_zone)

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes it one and the same registration."""
        return (self.group_arn, self.target_id, self.port)

    @property
    def may_serve(self) -> bool:
        """Whether its group was in use, so that peers have to take over. A group without a listener serves nobody."""
        return self.state_before != UNUSED

    @property
    def is_ours_to_restore(self) -> bool:
        """Whether it was there to stay: what somebody else was taking out stays out."""
        return self.state_before not in LEAVING


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, and the host's standing in its Auto Scaling group.

    Attributes:
        way: how it is taken out of service; ``none`` where there is nothing it could be taken out of.
        lifecycle_state: in AWS's words; None in no Auto Scaling group.
        min_healthy_peers: that each target group has to keep while this host is away.
        attached: target groups, by ARN, in which standby registers this host when it ends, whether it was or not.
    """

    way: Way
    instance_id: str
    targets: tuple[TargetPlace, ...] = ()
    auto_scaling_group: str | None = None
    lifecycle_state: str | None = None
    min_healthy_peers: int = 0
    attached: tuple[str, ...] = ()

    @property
    def group_arns(self) -> list[str]:
        """Its target groups, each once, and those it may get into."""
        return list(dict.fromkeys([*(target.group_arn for target in self.targets), *self.attached]))

    @property
    def is_left_out(self) -> bool:
        """Whether somebody took it out of a target group that standby would put it back into."""
        return not set(self.attached) <= {each.group_arn for each in self.targets if each.is_ours_to_restore}


def group_name(group_arn: str) -> str:
    """Read a name out of ``arn:aws:elasticloadbalancing:…:targetgroup/NAME/0123456789abcdef``."""
    parts = group_arn.split("/")
    return parts[1] if len(parts) > 1 else group_arn


def described(place: Place) -> str:
    """Say in a sentence how this host leaves, and from where."""
    where = ", ".join(f"{target.group_name}:{target.port} ({target.state_before})" for target in place.targets)
    targets = f"target groups {where}" if where else "no target group"
    if place.way == "standby":
        return f"this host goes into standby in {place.auto_scaling_group}, and leaves {targets}"
    if place.way == "deregister":
        return f"this host is deregistered from {targets}"
    state = f", {place.lifecycle_state} in {place.auto_scaling_group}" if place.auto_scaling_group else ""
    return f"NOT DRAINED: this host is in {targets}{state}; whoever sends it requests goes on while it changes"
