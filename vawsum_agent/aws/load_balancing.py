"""Elastic Load Balancing (v2), as narrow as the agent needs it. Threads may call side by side.

Nothing is tried again here, and nothing is waited for: botocore's waiters give up after ten minutes, a deregistration
may take an hour, and none of them notices what can't come true any more.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped
from vawsum_agent.core.errors import NotFound, Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vawsum_agent.aws.session import AwsSession

_GROUPS_A_PAGE = 400
_DELAY = "deregistration_delay.timeout_seconds"
_DEFAULT_DELAY_S = 300
_HOSTS = frozenset({"instance", "ip"})


@dataclass(frozen=True, slots=True)
class TargetGroup:
    """A target group whose targets are hosts.

    Attributes:
        kind: ``instance`` or ``ip``: what its targets' ids are.
        vpc_id: where its targets are, unless they say otherwise; None where the service does not tell.
    """

    arn: str
    kind: str
    vpc_id: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """Who is registered, and on which port. ``availability_zone``: of an IP address; None means the service's own."""

    target_id: str
    port: int
    availability_zone: str | None = None


@dataclass(frozen=True, slots=True)
class TargetHealth:
    """What a target group says of one target.

    Attributes:
        state: initial, healthy, unhealthy, unhealthy.draining, unused, draining or unavailable.
        reason: the service's code, such as ``Target.NotInUse``; empty where it gives none.
        description: the same for people.
    """

    target: Target
    state: str
    reason: str = ""
    description: str = ""


class LoadBalancing:
    """The calls of the deploy capability; ``packaging/iam/deploy.json`` allows exactly these.

    Every call raises AwsError: `NotFound` when the target group does not exist (any more), `Throttled` when nothing was
    done, `Unavailable` when it may have been. All of them may be called again: registering what is registered and
    deregistering what is not are no errors to the service.
    """

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - botocore's
        """Made when it is first needed: a host that is not drained asks nothing."""
        return self._session.client("elbv2")

    def target_groups(self) -> list[TargetGroup]:
        """List the region's target groups of instances and of IP addresses."""
        groups: list[TargetGroup] = []
        marker: dict[str, str] = {}
        while True:
            with _asked("DescribeTargetGroups", "the target groups"):
                answer = self._client.describe_target_groups(PageSize=_GROUPS_A_PAGE, **marker)
                rows, next_marker = answer["TargetGroups"], answer.get("NextMarker")
                groups += [
                    TargetGroup(row["TargetGroupArn"], row["TargetType"], row.get("VpcId"))
                    for row in rows
                    if row.get("TargetType") in _HOSTS
                ]
            if not next_marker:
                return groups
            if marker.get("Marker") == next_marker:
                message = "DescribeTargetGroups gave the same page twice"
                raise Unavailable(message, operation="DescribeTargetGroups", maybe_done=False)
            marker = {"Marker": next_marker}

    def target_health(self, group_arn: str) -> list[TargetHealth]:
        """Tell of every target of a group, those that are draining included."""
        with _asked("DescribeTargetHealth", group_arn):
            answer = self._client.describe_target_health(TargetGroupArn=group_arn)
            return [_health(row) for row in answer["TargetHealthDescriptions"]]

    def deregistration_delay_s(self, group_arn: str) -> int:
        """Tell for how long a target that leaves may go on answering: 0 to 3600 seconds."""
        with _asked("DescribeTargetGroupAttributes", group_arn):
            answer = self._client.describe_target_group_attributes(TargetGroupArn=group_arn)
            values = (row["Value"] for row in answer["Attributes"] if row["Key"] == _DELAY)
            return int(next(values, _DEFAULT_DELAY_S))

    def register(self, group_arn: str, targets: Sequence[Target]) -> None:
        """Register targets; one that is draining comes back."""
        with _asked("RegisterTargets", group_arn):
            self._client.register_targets(TargetGroupArn=group_arn, Targets=_described(targets))

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> None:
        """Have targets leave: no new requests, and an end to the old ones within the deregistration delay."""
        with _asked("DeregisterTargets", group_arn):
            self._client.deregister_targets(TargetGroupArn=group_arn, Targets=_described(targets))

    def close(self) -> None:
        """Let go of the connections, and of the megabytes that describe the service."""
        self._client.close()


@contextmanager
def _asked(operation: str, subject: str) -> Iterator[None]:
    try:
        with mapped(f"elasticloadbalancing:{operation}", subject):
            yield
    except Rejected as error:
        if error.code != "TargetGroupNotFound":
            raise
        raise NotFound(error.message, operation=operation, code=error.code, hint=error.hint) from error


def _health(row: dict[str, Any]) -> TargetHealth:
    target, health = row["Target"], row["TargetHealth"]
    return TargetHealth(
        Target(target["Id"], int(target["Port"]), target.get("AvailabilityZone")),
        health["State"],
        health.get("Reason", ""),
        health.get("Description", ""),
    )


def _described(targets: Iterable[Target]) -> list[dict[str, Any]]:
    zones = ({"AvailabilityZone": each.availability_zone} if each.availability_zone else {} for each in targets)
    return [{"Id": each.target_id, "Port": each.port, **zone} for each, zone in zip(targets, zones, strict=True)]
