"""The operations of EC2 Auto Scaling that a host needs to know its group and to step aside. The rest is moto's."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sandbox.aws.account import INSTANCE_ID
from sandbox.aws.answers import invalid
from sandbox.aws.balancing import described
from sandbox.aws.balancing.hosts import Hosts
from sandbox.aws.balancing.parameters import check_known, page, required, texts, truth
from sandbox.aws.balancing.scaling import ScalingGroups, refused
from sandbox.aws.balancing.targets import Targets
from sandbox.aws.dialects import Query
from sandbox.aws.front_service import Subject, text_of

if TYPE_CHECKING:
    from sandbox.aws.balancing.scaling import ScalingGroup
    from sandbox.aws.front_service import Operation, Parameters
    from sandbox.aws.metadata import Metadata
    from sandbox.aws.settings import Settings

NAMESPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
IDS_LIMIT_COUNT = 50
GROUPS_LIMIT_COUNT = 100
SOURCES_LIMIT_COUNT = 50
STANDBY_LIMIT_COUNT = 20
_CODES = {"InvalidParameterException": ("ValidationError", 400)}


class AutoScalingService:
    """Tells of groups and their instances, and takes instances out of service and back.

    The one instance of the metadata service may be in the group that the settings name, too: a mere name, for
    DescribeAutoScalingInstances alone.
    """

    name = "autoscaling"
    is_complete = False

    def __init__(self, settings: Settings, metadata: Metadata, scaling: ScalingGroups | None = None) -> None:
        self._settings = settings
        hosts = Hosts(metadata)
        self._scaling = scaling or ScalingGroups(Targets(hosts), hosts)
        self.dialect = Query(NAMESPACE, _CODES)
        self.operations: dict[str, Operation] = {
            "DescribeAutoScalingInstances": self._describe_instances,
            "DescribeAutoScalingGroups": self._describe_groups,
            "DescribeTrafficSources": self._describe_sources,
            "EnterStandby": self._enter_standby,
            "ExitStandby": self._exit_standby,
            "TerminateInstanceInAutoScalingGroup": self._terminate,
        }

    def subject(self, operation: str, params: Parameters, _region: str) -> Subject:
        """Tell what a request is about: instances and, where something is changed, the group, which IAM knows then."""
        ids = [value for key, value in sorted(params.items()) if key.startswith(("InstanceIds.member.", "InstanceId"))]
        name = text_of(params, "AutoScalingGroupName")
        if operation.startswith("Describe"):
            return Subject(target=",".join(dict.fromkeys(ids)))
        group = self._scaling.find(name) if name else self._scaling.group_of(text_of(params, "InstanceId"))
        target = ",".join(filter(None, (name, *dict.fromkeys(ids))))
        return Subject(target=target, group=group.name if group else name, resource=group.arn if group else "*")

    def _describe_instances(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "InstanceIds", "MaxRecords", "NextToken")
        ids = texts(params, "InstanceIds", IDS_LIMIT_COUNT, "instance ids")
        with self._scaling.lock:
            rows = [
                described.scaling_instance(self._scaling.hosts.get(instance_id), group.name, state)
                for group in self._scaling.groups()
                for instance_id, state in group.states.items()
            ]
        rows += self._of_settings({row["InstanceId"] for row in rows})
        found = [row for row in rows if not ids or row["InstanceId"] in ids]
        return _page("AutoScalingInstances", found, params, IDS_LIMIT_COUNT)

    def _of_settings(self, known: set[str]) -> list[dict[str, Any]]:
        host, group = self._scaling.hosts.get(INSTANCE_ID), self._settings.auto_scaling_group
        if not group or INSTANCE_ID in known:
            return []
        state = described.text_of(host, "autoscaling/target-lifecycle-state", "InService")
        return [described.scaling_instance(host, group, state)]

    def _describe_groups(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "AutoScalingGroupNames", "MaxRecords", "NextToken")
        names = texts(params, "AutoScalingGroupNames", GROUPS_LIMIT_COUNT, "names")
        with self._scaling.lock:
            rows = [
                described.scaling_group(group, self._scaling.target_group_arns(group), self._scaling.hosts)
                for group in self._scaling.groups()
                if not names or group.name in names
            ]
        return _page("AutoScalingGroups", rows, params, GROUPS_LIMIT_COUNT)

    def _describe_sources(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "AutoScalingGroupName", "TrafficSourceType", "MaxRecords", "NextToken")
        with self._scaling.lock:
            arns = self._scaling.target_group_arns(self._scaling.named(required(params, "AutoScalingGroupName")))
        is_asked = params.get("TrafficSourceType", "elbv2") == "elbv2"
        rows = [{"TrafficSource": arn, "State": "InService", "Identifier": arn, "Type": "elbv2"} for arn in arns]
        return _page("TrafficSources", rows if is_asked else [], params, SOURCES_LIMIT_COUNT)

    def _enter_standby(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "InstanceIds", "AutoScalingGroupName", "ShouldDecrementDesiredCapacity")
        decrements = truth(params, "ShouldDecrementDesiredCapacity")
        name, ids = _asked(params)
        self._scaling.enter_standby(name, ids, time.monotonic(), decrements=decrements)
        return {"Activities": [_activity(name, one, "Moving EC2 instance to Standby", 50) for one in ids]}

    def _exit_standby(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "InstanceIds", "AutoScalingGroupName")
        name, ids = _asked(params)
        self._scaling.exit_standby(name, ids, time.monotonic())
        return {"Activities": [_activity(name, one, "Moving EC2 instance out of Standby", 30) for one in ids]}

    def _terminate(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "InstanceId", "ShouldDecrementDesiredCapacity")
        instance_id = required(params, "InstanceId")
        decrements = truth(params, "ShouldDecrementDesiredCapacity")
        group = self._group_of(instance_id)
        self._scaling.terminate(instance_id, time.monotonic(), decrements=decrements, checks_size=True)
        return {"Activity": _activity(group.name, instance_id, "Terminating EC2 instance", 0)}

    def _group_of(self, instance_id: str) -> ScalingGroup:
        group = self._scaling.group_of(instance_id)
        if group is None:
            raise refused(f"Instance Id not found - No managed instance found for instance ID: {instance_id}")
        return group


def _asked(params: Parameters) -> tuple[str, list[str]]:
    name = required(params, "AutoScalingGroupName")
    ids = list(dict.fromkeys(texts(params, "InstanceIds", STANDBY_LIMIT_COUNT, "instance ids")))
    if not ids:
        raise invalid("At least one instance id must be specified")
    return name, ids


def _page(key: str, rows: list[dict[str, Any]], params: Parameters, limit_count: int) -> dict[str, Any]:
    found, following = page(rows, params, token="NextToken", size="MaxRecords", limit_count=limit_count)
    return {key: found, **({"NextToken": following} if following else {})}


def _activity(group: str, instance_id: str, what: str, progress: int) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group,
        "Description": f"{what}: {instance_id}",
        "Cause": f"At {now} instance {instance_id} was asked for in a request.",
        "StartTime": now,
        "StatusCode": "InProgress",
        "Progress": progress,
        "Details": "{}",
    }
