"""DescribeAutoScalingInstances, carried out by the front for the one instance there is. The rest is moto's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.aws.account import INSTANCE_ID, REGION
from sandbox.aws.answers import invalid
from sandbox.aws.dialects import Query
from sandbox.aws.front_service import Subject

if TYPE_CHECKING:
    from sandbox.aws.front_service import Operation, Parameters
    from sandbox.aws.metadata import Metadata
    from sandbox.aws.settings import Settings

NAMESPACE = "http://autoscaling.amazonaws.com/doc/2011-01-01/"
IDS_LIMIT_COUNT = 50
_IDS = "InstanceIds.member."
_CODES = {"InvalidParameterException": ("ValidationError", 400)}


class AutoScalingService:
    """Tells which group the instance of the metadata service is in, by the settings."""

    name = "autoscaling"
    is_complete = False

    def __init__(self, settings: Settings, metadata: Metadata) -> None:
        self._settings = settings
        self._metadata = metadata
        self.dialect = Query(NAMESPACE, _CODES)
        self.operations: dict[str, Operation] = {"DescribeAutoScalingInstances": self._describe_instances}

    def subject(self, _operation: str, params: Parameters, _region: str) -> Subject:
        """Tell what a request is about: instances."""
        return Subject(target=",".join(_ids(params)))

    def _describe_instances(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        ids = _ids(params)
        if len(ids) > IDS_LIMIT_COUNT:
            raise invalid(f"The number of instance ids exceeds the limit of {IDS_LIMIT_COUNT}")
        instance_id = self._text("instance-id", INSTANCE_ID)
        group = self._settings.auto_scaling_group
        if not group or (ids and instance_id not in ids):
            return {"AutoScalingInstances": []}
        row = {
            "InstanceId": instance_id,
            "InstanceType": self._text("instance-type", ""),
            "AutoScalingGroupName": group,
            "AvailabilityZone": self._text("placement/availability-zone", f"{REGION}a"),
            "LifecycleState": self._text("autoscaling/target-lifecycle-state", "InService"),
            "HealthStatus": "HEALTHY",
            "ProtectedFromScaleIn": "false",
        }
        return {"AutoScalingInstances": [row]}

    def _text(self, path: str, otherwise: str) -> str:
        return self._metadata.get(f"meta-data/{path}") or otherwise


def _ids(params: Parameters) -> list[str]:
    return [value for key, value in params.items() if key.startswith(_IDS)]
