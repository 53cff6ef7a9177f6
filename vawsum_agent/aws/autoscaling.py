"""EC2 Auto Scaling, as narrow as the agent needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession


def group_of_instance(session: AwsSession, instance_id: str) -> str | None:
    """Name the Auto Scaling group an instance is in; None: in none.

    The client is let go at once: its description takes megabytes and is needed once in the life of a process.

    Raises:
        AwsError: as always; nothing is changed by asking, so any may be tried again.
    """
    client: Any = session.client("autoscaling")
    try:
        with mapped("autoscaling:DescribeAutoScalingInstances", instance_id):
            answer = client.describe_auto_scaling_instances(InstanceIds=[instance_id])
    finally:
        client.close()
    rows = answer.get("AutoScalingInstances") or ()
    return next((row.get("AutoScalingGroupName") for row in rows), None)
