"""Target groups and Auto Scaling groups as the services describe them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sandbox.aws.account import INSTANCE_ID, REGION

if TYPE_CHECKING:
    from sandbox.aws.balancing.hosts import Host, Hosts
    from sandbox.aws.balancing.scaling import ScalingGroup
    from sandbox.aws.balancing.target_group import TargetGroup, TargetKey

CREATED_AT = "2026-01-01T00:00:00.000Z"


def target_group(group: TargetGroup) -> dict[str, Any]:
    """Return a row of DescribeTargetGroups. Intervals below a second are told as one: the service knows no less."""
    rules = group.rules
    return {
        "TargetGroupArn": rules.arn,
        "TargetGroupName": rules.name,
        "Protocol": "HTTP",
        "Port": rules.port,
        "VpcId": "vpc-0sandbox",
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": rules.health_port,
        "HealthCheckEnabled": "true",
        "HealthCheckIntervalSeconds": math.ceil(rules.interval_s),
        "HealthCheckTimeoutSeconds": math.ceil(rules.timeout_s),
        "HealthyThresholdCount": rules.healthy_threshold_count,
        "UnhealthyThresholdCount": rules.unhealthy_threshold_count,
        "HealthCheckPath": rules.health_path,
        "Matcher": {"HttpCode": rules.matcher},
        "LoadBalancerArns": rules.load_balancer_arns,
        "TargetType": "instance",
        "ProtocolVersion": "HTTP1",
        "IpAddressType": "ipv4",
    }


def attributes(group: TargetGroup) -> list[dict[str, str]]:
    """Return what DescribeTargetGroupAttributes tells of a group."""
    told = {
        "stickiness.enabled": "false",
        "deregistration_delay.timeout_seconds": str(group.rules.told_delay_s),
        "stickiness.type": "lb_cookie",
        "stickiness.lb_cookie.duration_seconds": "86400",
        "slow_start.duration_seconds": str(group.rules.slow_start_s),
        "load_balancing.algorithm.type": "round_robin",
        "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
        "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    }
    return [{"Key": key, "Value": value} for key, value in told.items()]


def target_health(group: TargetGroup, key: TargetKey) -> dict[str, Any]:
    """Return a row of DescribeTargetHealth."""
    health = group.health_of(key)
    asked = group.rules.health_port
    said = {"State": health.state, "Reason": health.reason, "Description": health.description}
    return {
        "Target": {"Id": key.instance_id, "Port": key.port},
        "HealthCheckPort": key.port if asked == "traffic-port" else asked,
        "TargetHealth": {name: text for name, text in said.items() if text},
    }


def scaling_group(group: ScalingGroup, target_group_arns: list[str], hosts: Hosts) -> dict[str, Any]:
    """Return a row of DescribeAutoScalingGroups."""
    instances = [
        {
            "InstanceId": instance_id,
            "InstanceType": text_of(hosts.get(instance_id), "instance-type", ""),
            "AvailabilityZone": text_of(hosts.get(instance_id), "placement/availability-zone", f"{REGION}a"),
            "LifecycleState": state,
            "HealthStatus": "Healthy",
            "ProtectedFromScaleIn": "false",
        }
        for instance_id, state in group.states.items()
    ]
    return {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired_capacity,
        "DefaultCooldown": 300,
        "AvailabilityZones": [f"{REGION}a"],
        "LoadBalancerNames": [],
        "TargetGroupARNs": target_group_arns,
        "HealthCheckType": "ELB" if target_group_arns else "EC2",
        "HealthCheckGracePeriod": 300,
        "Instances": instances,
        "CreatedTime": CREATED_AT,
        "SuspendedProcesses": [],
        "TerminationPolicies": ["Default"],
        "NewInstancesProtectedFromScaleIn": "false",
        "TrafficSources": [{"Identifier": arn, "Type": "elbv2"} for arn in target_group_arns],
    }


def scaling_instance(host: Host, group_name: str, state: str) -> dict[str, Any]:
    """Return a row of DescribeAutoScalingInstances."""
    return {
        "InstanceId": text_of(host, "instance-id", INSTANCE_ID),
        "InstanceType": text_of(host, "instance-type", ""),
        "AutoScalingGroupName": group_name,
        "AvailabilityZone": text_of(host, "placement/availability-zone", f"{REGION}a"),
        "LifecycleState": state,
        "HealthStatus": "HEALTHY",
        "ProtectedFromScaleIn": "false",
    }


def text_of(host: Host, path: str, otherwise: str) -> str:
    """Return what a host says of itself."""
    return host.metadata.get(f"meta-data/{path}") or otherwise
