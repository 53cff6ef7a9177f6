"""EC2 Auto Scaling, as narrow as the agent needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession

_ATTACHED = frozenset({"Added", "InService"})


@dataclass(frozen=True, slots=True)
class Membership:
    """An instance's place in its Auto Scaling group. ``lifecycle_state`` is in AWS's words, such as ``InService``."""

    group: str
    lifecycle_state: str


def group_of_instance(session: AwsSession, instance_id: str) -> str | None:
    """Name the Auto Scaling group an instance is in; None: in none.

    The client is let go at once: its description takes megabytes and is needed once in the life of a process.

    Raises:
        AwsError: as always; nothing is changed by asking, so any may be tried again.
    """
    scaling = AutoScaling(session)
    try:
        membership = scaling.membership(instance_id)
    finally:
        scaling.close()
    return membership.group if membership else None


class AutoScaling:
    """Where an instance stands in its group, and how it steps aside.

    Every call raises AwsError. What changes something is not idempotent to the service: an instance that is in standby
    already is `Rejected` when it is to enter it. Who does not know whether a call was carried out asks for the
    `membership`. A group that is being changed answers ``ResourceContention``, which is `Unavailable`.
    """

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - botocore's
        """Made when it is first needed: a host that is not drained asks nothing."""
        return self._session.client("autoscaling")

    def membership(self, instance_id: str) -> Membership | None:
        """Tell which group an instance is in, and how; None: in none."""
        with mapped("autoscaling:DescribeAutoScalingInstances", instance_id):
            answer = self._client.describe_auto_scaling_instances(InstanceIds=[instance_id])
            rows = answer.get("AutoScalingInstances") or ()
            found = (Membership(row["AutoScalingGroupName"], row["LifecycleState"]) for row in rows)
            return next(found, None)

    def attached_target_groups(self, group: str) -> list[str]:
        """Name the target groups that all instances of a group are registered in, by ARN.

        One that is being attached, or detached, is left out: who is not registered there may be so in a moment. As many
        as a group may have, 50, come in one page.
        """
        with mapped("autoscaling:DescribeTrafficSources", group):
            answer = self._client.describe_traffic_sources(AutoScalingGroupName=group, TrafficSourceType="elbv2")
            rows = answer.get("TrafficSources") or ()
            return [row["Identifier"] for row in rows if row["State"] in _ATTACHED]

    def enter_standby(self, group: str, instance_id: str) -> None:
        """Have an instance leave its group's load balancers while it stays in the group.

        The group wants one instance less meanwhile, so it launches none in its place; where that is below its minimum
        size, the service refuses.
        """
        with mapped("autoscaling:EnterStandby", f"{instance_id} in {group}"):
            self._client.enter_standby(
                InstanceIds=[instance_id], AutoScalingGroupName=group, ShouldDecrementDesiredCapacity=True
            )

    def exit_standby(self, group: str, instance_id: str) -> None:
        """Put an instance back into service; its group wants one instance more again."""
        with mapped("autoscaling:ExitStandby", f"{instance_id} in {group}"):
            self._client.exit_standby(InstanceIds=[instance_id], AutoScalingGroupName=group)

    def close(self) -> None:
        """Let go of the connections, and of the megabytes that describe the service."""
        self._client.close()
