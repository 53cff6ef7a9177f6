"""What is asked of AWS: the two services as the deploy sees them. `vawsum_agent.aws` has the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.aws.autoscaling import Membership
    from vawsum_agent.aws.load_balancing import Target, TargetGroup, TargetHealth


class Balancing(Protocol):
    """See `vawsum_agent.aws.load_balancing.LoadBalancing`."""

    def target_groups(self) -> list[TargetGroup]:
        """List those of the region."""
        ...

    def target_health(self, group_arn: str) -> list[TargetHealth]:
        """Tell of every target of a group. Raises NotFound when there is no such group."""
        ...

    def deregistration_delay_s(self, group_arn: str) -> int:
        """Tell for how long a target that leaves may go on answering."""
        ...

    def register(self, group_arn: str, targets: Sequence[Target]) -> None:
        """Have targets join, or come back while they are leaving."""
        ...

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> None:
        """Have targets leave."""
        ...


class Scaling(Protocol):
    """See `vawsum_agent.aws.autoscaling.AutoScaling`."""

    def membership(self, instance_id: str) -> Membership | None:
        """Tell which group an instance is in, and how."""
        ...

    def attached_target_groups(self, group: str) -> list[str]:
        """Name those in which a group registers its hosts, by ARN."""
        ...

    def enter_standby(self, group: str, instance_id: str) -> None:
        """Have it step aside."""
        ...

    def exit_standby(self, group: str, instance_id: str) -> None:
        """Have it step back."""
        ...


class Services(NamedTuple):
    """Both."""

    balancing: Balancing
    scaling: Scaling
