"""The operations of Elastic Load Balancing v2 that a host needs to leave and to return; all others are refused."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from sandbox.aws.answers import ServiceError, invalid
from sandbox.aws.balancing import described
from sandbox.aws.balancing.parameters import check_known, members, page, required, texts, whole
from sandbox.aws.balancing.target_group import TargetKey
from sandbox.aws.dialects import Query
from sandbox.aws.front_service import Subject, text_of

if TYPE_CHECKING:
    from sandbox.aws.balancing.target_group import TargetGroup
    from sandbox.aws.balancing.targets import Targets
    from sandbox.aws.front_service import Operation, Parameters
    from sandbox.aws.settings import Settings

NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
PAGE_LIMIT_COUNT = 400
TARGETS_LIMIT_COUNT = 1_000
_CODES = {"InvalidParameterException": ("ValidationError", 400), "InvalidNextToken": ("ValidationError", 400)}
_ARN = re.compile(r"arn:aws:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:targetgroup/([A-Za-z0-9-]{1,32})/[0-9a-f]{16}")
_INSTANCE_ID = re.compile(r"i-[0-9a-z]{1,17}")
_CHANGING = frozenset({"RegisterTargets", "DeregisterTargets"})


class BalancingService:
    """Elastic Load Balancing v2 over `Targets`."""

    name = "elasticloadbalancing"
    is_complete = True

    def __init__(self, targets: Targets, settings: Settings) -> None:
        self._targets = targets
        self._settings = settings
        self.dialect = Query(NAMESPACE, _CODES)
        self.operations: dict[str, Operation] = {
            "DescribeTargetGroups": self._describe_groups,
            "DescribeTargetGroupAttributes": self._describe_attributes,
            "DescribeTargetHealth": self._describe_health,
            "RegisterTargets": self._register,
            "DeregisterTargets": self._deregister,
        }

    def subject(self, operation: str, params: Parameters, _region: str) -> Subject:
        """Tell what a request is about: a target group, by its name; IAM knows it where something is changed."""
        arn = text_of(params, "TargetGroupArn")
        found = _ARN.fullmatch(arn)
        name = found[1] if found else ""
        return Subject(target=name or arn, group=name, resource=(arn or "*") if operation in _CHANGING else "*")

    def _describe_groups(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "Names", "TargetGroupArns", "LoadBalancerArn", "Marker", "PageSize")
        names, arns = (texts(params, name, PAGE_LIMIT_COUNT, "target groups") for name in ("Names", "TargetGroupArns"))
        balancer = text_of(params, "LoadBalancerArn")
        if sum(map(bool, (names, arns, balancer))) > 1:
            raise invalid("You can specify only one of target group names, target group ARNs and a load balancer ARN")
        for arn in arns:
            _check_arn(arn)
        found = [
            group
            for group in self._targets.groups()
            if (not names or group.rules.name in names)
            and (not arns or group.rules.arn in arns)
            and (not balancer or balancer in group.rules.load_balancer_arns)
        ]
        if len(found) < len({*names, *arns}):
            raise ServiceError("TargetGroupNotFound", "One or more target groups not found")
        rows, following = page(
            found,
            params,
            token="Marker",
            size="PageSize",
            limit_count=PAGE_LIMIT_COUNT,
            most_count=self._settings.target_group_page_limit_count,
        )
        more = {"NextMarker": following} if following else {}
        return {"TargetGroups": [described.target_group(group) for group in rows], **more}

    def _describe_attributes(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "TargetGroupArn")
        return {"Attributes": described.attributes(self._group(params))}

    def _describe_health(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        check_known(params, "TargetGroupArn", "Targets")
        with self._targets.changed:
            group = self._group(params)
            keys = _keys(params, group) or list(group.registrations)
            return {"TargetHealthDescriptions": [described.target_health(group, key) for key in keys]}

    def _register(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        group, keys = self._asked(params)
        self._targets.register(group, keys)
        return {}

    def _deregister(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        group, keys = self._asked(params)
        self._targets.deregister(group, keys, time.monotonic())
        return {}

    def _asked(self, params: Parameters) -> tuple[TargetGroup, list[TargetKey]]:
        check_known(params, "TargetGroupArn", "Targets")
        group = self._group(params)
        keys = _keys(params, group)
        if not keys:
            raise invalid("1 validation error detected: Value null at 'targets' failed to satisfy constraint: "
                          "Member must not be null")  # fmt: skip
        return group, keys

    def _group(self, params: Parameters) -> TargetGroup:
        arn = required(params, "TargetGroupArn")
        _check_arn(arn)
        return self._targets.by_arn(arn)


def _check_arn(arn: str) -> None:
    if not _ARN.fullmatch(arn):
        raise invalid(f"'{arn}' is not a valid target group ARN")


def _keys(params: Parameters, group: TargetGroup) -> list[TargetKey]:
    rows = members(params, "Targets")
    if len(rows) > TARGETS_LIMIT_COUNT:
        raise ServiceError("TooManyTargets", f"{len(rows)} targets are too many", is_violation=True)
    return [_key(row, group.rules.port) for row in rows]


def _key(row: dict[str, str], group_port: int) -> TargetKey:
    if unknown := set(row) - {"Id", "Port"}:
        raise invalid(f"a target of type instance has no {', '.join(sorted(unknown))}")
    instance_id = row.get("Id", "")
    if not _INSTANCE_ID.fullmatch(instance_id):
        raise invalid(f"Instance ID '{instance_id}' is not valid")
    return TargetKey(instance_id, whole(row["Port"], "port", 1, 65_535) if "Port" in row else group_port)
