"""The sandbox's balancer, probes, target groups and Auto Scaling groups before three real hosts under traffic."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox import Sandbox, SandboxError
from sandbox.aws.account import INSTANCE_ID
from sandbox.aws.settings import RATE_LIMITS_PER_S
from sandbox.host.fleet import FIRST_RELEASE, PAGES, Fleet, open_fleet
from sandbox.host.steady_traffic import SteadyTraffic
from sandbox.host.web import can_be_real
from sandbox.servers.nginx_balancer import is_installed
from tests.counts import count
from vawsum_agent.aws.metadata import InstanceMetadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.balancing_client import TargetGroupAddress

Client = Any
PER_S = 60


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module; each test begins with an empty one."""
    with Sandbox.start(seed=5) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def fleet(shared: Sandbox) -> Iterator[Fleet]:
    """Three hosts for the module, which serve the first release and are in no group when a test begins."""
    if not (can_be_real() and is_installed()):
        pytest.skip("Apache, PHP-FPM or nginx is not installed")
    with open_fleet(shared) as fleet:
        yield fleet


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """A sandbox without groups, faults and quotas."""
    shared.reset()
    shared.deny()
    shared.enforce(None)
    shared.settings(
        rate_limits_per_s=dict.fromkeys([*RATE_LIMITS_PER_S, "DescribeTargetHealth"], 1e6),
        target_group_page_limit_count=400,
    )
    return shared


def connect(sandbox: Sandbox, service: str) -> Client:
    """Return a client that tries once, gives up soon, and leaves it to the service to say what is wrong."""
    return boto3.client(
        service,
        endpoint_url=sandbox.endpoint,
        region_name="ap-south-1",
        aws_access_key_id="AKIASANDBOX000000000",
        aws_secret_access_key="sandbox",
        config=Config(
            retries={"total_max_attempts": 1}, read_timeout=10, connect_timeout=2, parameter_validation=False
        ),
    )


@pytest.fixture
def elb(sandbox: Sandbox) -> Client:
    """A client for Elastic Load Balancing v2."""
    return connect(sandbox, "elbv2")


@pytest.fixture
def scaling(sandbox: Sandbox) -> Client:
    """A client for EC2 Auto Scaling."""
    return connect(sandbox, "autoscaling")


def add_group(sandbox: Sandbox, name: str = "web", **rules: object) -> TargetGroupAddress:
    """Make a target group with quick probes and a delay of a second."""
    quick = {"interval_s": 0.2, "healthy_threshold_count": 2, "health_path": "/healthz", "deregistration_delay_s": 1}
    return sandbox.add_target_group(name, **{**quick, **rules})


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the service's error code."""
    code: str = error.value.response["Error"]["Code"]
    return code


def test_a_host_leaves_and_returns_and_no_request_fails(sandbox: Sandbox, fleet: Fleet, elb: Client) -> None:
    """Under steady traffic one of three hosts drains, is reloaded, and comes back: nobody notices but the balancer."""
    group = add_group(sandbox)
    fleet.register("web")
    with SteadyTraffic(group.url, PER_S) as traffic:
        for host in fleet.hosts[: count(1, 3)] * count(1, 10):
            target = [{"Id": host.instance_id, "Port": host.port}]
            elb.deregister_targets(TargetGroupArn=group.arn, Targets=target)
            begun = time.monotonic()
            (row,) = elb.describe_target_health(TargetGroupArn=group.arn, Targets=target)["TargetHealthDescriptions"]
            assert row["TargetHealth"]["Reason"] == "Target.DeregistrationInProgress"
            sandbox.await_targets("web", host.instance_id, state="unused")
            assert time.monotonic() - begun > 0.9
            served = sum(row["upstream"].endswith(f":{host.port}") for row in sandbox.balancer_log("web"))
            for command in host.reload:
                subprocess.run([command], check=True)
            time.sleep(0.3)
            log = sandbox.balancer_log("web")
            assert sum(row["upstream"].endswith(f":{host.port}") for row in log) == served
            elb.register_targets(TargetGroupArn=group.arn, Targets=target)
            sandbox.await_targets("web", host.instance_id)
        time.sleep(0.3)
    assert traffic.failures == [], traffic.report
    assert traffic.count > PER_S
    assert set(traffic.seen) == {f"{one} {FIRST_RELEASE}" for one in fleet.instance_ids}
    assert {row["status"] for row in sandbox.balancer_log("web")} == {200}
    assert sandbox.violations() == []


def test_requests_under_way_are_finished(sandbox: Sandbox, fleet: Fleet) -> None:
    """What a host was asked before it was deregistered, it answers while it drains."""
    group = add_group(sandbox, deregistration_delay_s=1.5)
    host, other, _ = fleet.hosts
    sandbox.register_targets("web", (host.instance_id, host.port))
    sandbox.await_targets("web")
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(get(f"{group.url}/slow.php?ms=1200")[1]))
    asking.start()
    time.sleep(0.3)
    sandbox.register_targets("web", (other.instance_id, other.port))
    sandbox.deregister_targets("web", (host.instance_id, host.port))
    sandbox.await_targets("web", host.instance_id, state="draining", is_routed=False)
    sandbox.await_targets("web", other.instance_id)
    assert answers == []
    assert get(f"{group.url}/")[1].decode().startswith(other.instance_id)
    asking.join()
    assert answers[0].decode().startswith(host.instance_id)


def get(url: str, headers: dict[str, str] | None = None, method: str = "GET") -> tuple[int, bytes]:
    """Ask once."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    connection.request(method, f"{parts.path}?{parts.query}" if parts.query else parts.path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_probes_see_what_is_really_served(sandbox: Sandbox, fleet: Fleet, elb: Client) -> None:
    """A host whose health page is gone loses its traffic; a group that has lost all of them fails open."""
    group = add_group(sandbox)
    fleet.register("web")
    ill = {name: text for name, text in PAGES.items() if name != "healthz"}
    first, *others = fleet.hosts
    try:
        first.serve("20260102T000000Z-0000000", ill)
        sandbox.await_targets("web", first.instance_id, state="unhealthy", is_routed=False)
        rows = elb.describe_target_health(TargetGroupArn=group.arn)["TargetHealthDescriptions"]
        said = {row["Target"]["Id"]: row["TargetHealth"] for row in rows}
        assert said[first.instance_id] == {
            "State": "unhealthy",
            "Reason": "Target.ResponseCodeMismatch",
            "Description": "Health checks failed with these codes: [404]",
        }
        assert said[others[0].instance_id] == {"State": "healthy"}
        for host in others:
            host.serve("20260102T000000Z-0000000", ill)
        sandbox.await_targets("web", state="unhealthy", is_routed=True)
        assert {get(f"{group.url}/")[0] for _ in range(6)} == {200}
    finally:
        for host in fleet.hosts:
            host.serve(FIRST_RELEASE, PAGES)
    sandbox.await_targets("web")


def test_a_dead_host_fails_honestly(sandbox: Sandbox, fleet: Fleet) -> None:
    """Who takes a host away without draining it is told so by 502s, until probes notice; traffic counts each."""
    group = add_group(sandbox, interval_s=0.5)
    fleet.register("web")
    host = fleet.hosts[2]
    try:
        with SteadyTraffic(group.url, PER_S) as traffic:
            time.sleep(0.2)
            host.kill()
            sandbox.await_targets("web", host.instance_id, state="unhealthy", is_routed=False)
            count_then = len(traffic.failures)
            time.sleep(0.3)
        assert count_then > 0, traffic.report
        assert len(traffic.failures) <= count_then + 1, traffic.report
        assert {failure.status for failure in traffic.failures} == {502}
        assert " failed, the slowest took " in traffic.report
    finally:
        host.start()


def test_standby_under_traffic(sandbox: Sandbox, fleet: Fleet, scaling: Client) -> None:
    """A host steps aside in its Auto Scaling group, leaves both target groups, and re-joins them; no request fails."""
    groups = [add_group(sandbox, name, deregistration_delay_s=0.6) for name in ("web", "api")]
    sandbox.add_scaling_group("asg", fleet.instance_ids, min_size=2, max_size=3, target_groups=["web", "api"])
    for name in ("web", "api"):
        sandbox.await_targets(name)
    instance_id = fleet.instance_ids[0]
    own = InstanceMetadata(sandbox.metadata_for(instance_id))
    asked = {"InstanceIds": [instance_id], "AutoScalingGroupName": "asg"}
    with SteadyTraffic(groups[0].url, PER_S) as web, SteadyTraffic(groups[1].url, PER_S / 2) as api:
        (activity,) = scaling.enter_standby(**asked, ShouldDecrementDesiredCapacity=True)["Activities"]
        assert activity["Description"] == f"Moving EC2 instance to Standby: {instance_id}"
        assert state_in(scaling, instance_id) == "EnteringStandby"
        assert own.get("autoscaling/target-lifecycle-state") == "Standby"
        await_state(scaling, instance_id, "Standby")
        assert all(instance_id not in sandbox.target_states(name) for name in ("web", "api"))
        with pytest.raises(
            ClientError, match=r"has min-size=2, max-size=3, and desired-size=2\. To place into standby"
        ):
            scaling.enter_standby(
                InstanceIds=fleet.instance_ids[1:2], AutoScalingGroupName="asg", ShouldDecrementDesiredCapacity=True
            )
        scaling.exit_standby(**asked)
        assert state_in(scaling, instance_id) == "Pending"
        await_state(scaling, instance_id, "InService")
        for name in ("web", "api"):
            sandbox.await_targets(name, *fleet.instance_ids)
    assert web.failures + api.failures == [], f"{web.report}\n{api.report}"
    (row,) = scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["asg", "gone"])["AutoScalingGroups"]
    assert (row["MinSize"], row["MaxSize"], row["DesiredCapacity"]) == (2, 3, 3)
    assert row["TargetGroupARNs"] == [group.arn for group in groups]
    sources = scaling.describe_traffic_sources(AutoScalingGroupName="asg", TrafficSourceType="elbv2")["TrafficSources"]
    assert [(one["Identifier"], one["State"]) for one in sources] == [(group.arn, "InService") for group in groups]
    assert [one["LifecycleState"] for one in row["Instances"]] == ["InService"] * 3
    assert sandbox.violations() == []


def state_in(scaling: Client, instance_id: str) -> str:
    """Return an instance's lifecycle state, or an empty text when it is in no group."""
    rows = scaling.describe_auto_scaling_instances(InstanceIds=[instance_id])["AutoScalingInstances"]
    return rows[0]["LifecycleState"] if rows else ""


def await_state(scaling: Client, instance_id: str, state: str) -> None:
    """Wait for a lifecycle state."""
    limit = time.monotonic() + 10
    while state_in(scaling, instance_id) != state:
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_scale_in_takes_an_instance_away(sandbox: Sandbox, scaling: Client, elb: Client) -> None:
    """It drains, is Terminating meanwhile, then in no group, and can't be registered any more."""
    for instance_id in ("i-0aa", "i-0bb"):
        sandbox.add_host(instance_id, port=9)
    group = add_group(sandbox, deregistration_delay_s=0.3)
    sandbox.add_scaling_group("asg", ["i-0aa", "i-0bb"], min_size=1, target_groups=["web"])
    sandbox.terminate("i-0aa")
    assert state_in(scaling, "i-0aa") == "Terminating"
    assert InstanceMetadata(sandbox.metadata_for("i-0aa")).get("autoscaling/target-lifecycle-state") == "Terminated"
    with pytest.raises(ClientError, match="is not in InService"):
        scaling.enter_standby(InstanceIds=["i-0aa"], AutoScalingGroupName="asg", ShouldDecrementDesiredCapacity=True)
    await_state(scaling, "i-0aa", "")
    assert sandbox.scaling_group("asg")["desired_capacity"] == 1
    with pytest.raises(elb.exceptions.InvalidTargetException, match="not in a running state"):
        elb.register_targets(TargetGroupArn=group.arn, Targets=[{"Id": "i-0aa"}])
    with pytest.raises(ClientError, match=r"desiredSize equals minSize \(1\)"):
        scaling.terminate_instance_in_auto_scaling_group(InstanceId="i-0bb", ShouldDecrementDesiredCapacity=True)
    assert sandbox.violations() == []


def test_target_groups_are_described(sandbox: Sandbox, elb: Client) -> None:
    """By name, by ARN, page after page, with the attributes and thresholds that they were made with."""
    made = [
        sandbox.add_target_group(
            f"g{number}", is_in_use=number > 0, deregistration_delay_s=120 + number, matcher="200-299"
        )
        for number in range(3)
    ]
    sandbox.settings(target_group_page_limit_count=2)
    pages = list(elb.get_paginator("describe_target_groups").paginate(PaginationConfig={"PageSize": 400}))
    assert [[row["TargetGroupName"] for row in page["TargetGroups"]] for page in pages] == [["g0", "g1"], ["g2"]]
    (row,) = elb.describe_target_groups(Names=["g1"])["TargetGroups"]
    assert row == elb.describe_target_groups(TargetGroupArns=[made[1].arn])["TargetGroups"][0]
    assert (row["Matcher"], row["HealthCheckIntervalSeconds"], len(row["LoadBalancerArns"])) == (
        {"HttpCode": "200-299"},
        30,
        1,
    )
    told = elb.describe_target_group_attributes(TargetGroupArn=made[2].arn)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "122"} in told
    sandbox.add_host("i-0cc")
    elb.register_targets(TargetGroupArn=made[0].arn, Targets=[{"Id": "i-0cc"}, {"Id": "i-0cc", "Port": 81}])
    rows = elb.describe_target_health(TargetGroupArn=made[0].arn)["TargetHealthDescriptions"]
    assert [row["Target"]["Port"] for row in rows] == [80, 81]
    assert {row["TargetHealth"]["Reason"] for row in rows} == {"Target.NotInUse"}
    elb.deregister_targets(TargetGroupArn=made[0].arn, Targets=[{"Id": "i-0cc"}, {"Id": "i-0dd"}])
    rows = elb.describe_target_health(TargetGroupArn=made[0].arn, Targets=[{"Id": "i-0cc"}])["TargetHealthDescriptions"]
    assert rows[0]["TargetHealth"]["Reason"] == "Target.NotRegistered"
    with pytest.raises(elb.exceptions.TargetGroupNotFoundException) as caught:
        elb.describe_target_groups(Names=["g1", "gone"])
    assert code_of(caught) == "TargetGroupNotFound"
    assert sandbox.violations() == []


def test_what_breaks_a_rule_is_a_violation(sandbox: Sandbox, elb: Client, scaling: Client) -> None:
    """Each in the service's words, with nothing done."""
    arn = sandbox.add_target_group("web", is_in_use=False).arn
    wrong: list[tuple[Client, str, dict[str, Any], str]] = [
        (elb, "describe_target_health", {"TargetGroupArn": "web"}, "'web' is not a valid target group ARN"),
        (elb, "register_targets", {"TargetGroupArn": arn, "Targets": []}, "at 'targets' failed"),
        (elb, "register_targets", {"TargetGroupArn": arn, "Targets": [{"Id": "10.0.0.1"}]}, "Instance ID '10.0.0.1'"),
        (elb, "register_targets", {"TargetGroupArn": arn, "Targets": [{"Id": "i-0a", "Port": 0}]}, "between 1 and"),
        (elb, "describe_target_groups", {"Names": ["web"], "TargetGroupArns": [arn]}, "only one of"),
        (scaling, "describe_auto_scaling_groups", {"MaxRecords": 101}, "between 1 and 100"),
        (
            scaling,
            "enter_standby",
            {"AutoScalingGroupName": "asg", "ShouldDecrementDesiredCapacity": True},
            "At least one instance",
        ),
    ]
    for client, method, parameters, part in wrong:
        with pytest.raises(ClientError, match=part) as caught:
            getattr(client, method)(**parameters)
        assert code_of(caught) == "ValidationError"
    assert len(sandbox.violations()) == len(wrong)
    with pytest.raises(ClientError, match="does not know CreateTargetGroup") as caught:
        elb.create_target_group(Name="x")
    assert code_of(caught) == "InvalidAction"


def test_policies_faults_and_quotas_hold_here_too(sandbox: Sandbox, elb: Client, scaling: Client) -> None:
    """IAM knows target groups and Auto Scaling groups by ARN where they are changed; faults know them by name."""
    sandbox.add_host("i-0ee")
    ours, theirs = (sandbox.add_target_group(name, is_in_use=False).arn for name in ("ours", "theirs"))
    sandbox.add_scaling_group("asg", ["i-0ee"])
    allowed = [
        {"Effect": "Allow", "Action": "elasticloadbalancing:Describe*", "Resource": "*"},
        {"Effect": "Allow", "Action": "elasticloadbalancing:RegisterTargets", "Resource": ours},
        {
            "Effect": "Allow",
            "Action": "autoscaling:EnterStandby",
            "Resource": "arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/asg",
        },
    ]
    sandbox.enforce({"Statement": allowed})
    target = [{"Id": "i-0ee"}]
    elb.register_targets(TargetGroupArn=ours, Targets=target)
    with pytest.raises(
        ClientError, match=f"perform: elasticloadbalancing:RegisterTargets on resource: {theirs}"
    ) as caught:
        elb.register_targets(TargetGroupArn=theirs, Targets=target)
    assert code_of(caught) == "AccessDenied"
    asked = {"InstanceIds": ["i-0ee"], "AutoScalingGroupName": "asg"}
    scaling.enter_standby(**asked, ShouldDecrementDesiredCapacity=True)
    with pytest.raises(ClientError, match="perform: autoscaling:ExitStandby on resource: arn:aws:autoscaling"):
        scaling.exit_standby(**asked)
    sandbox.fault("throttle", operation="elasticloadbalancing:*", group="ours", count=1)
    with pytest.raises(ClientError, match="Throttling"):
        elb.describe_target_health(TargetGroupArn=ours)
    elb.describe_target_health(TargetGroupArn=ours)
    sandbox.settings(rate_limits_per_s={"DescribeTargetHealth": 1})
    elb.describe_target_health(TargetGroupArn=ours)
    with pytest.raises(ClientError, match="Throttling"):
        elb.describe_target_health(TargetGroupArn=ours)
    assert sandbox.violations() == []


def test_each_host_has_metadata_of_its_own(sandbox: Sandbox) -> None:
    """Instance id, region, zone and role credentials; the first instance keeps the endpoint that it always had."""
    endpoints = {one: sandbox.add_host(one, port=8000) for one in ("i-0f1", "i-0f2", INSTANCE_ID)}
    assert endpoints[INSTANCE_ID] == sandbox.metadata_for(INSTANCE_ID) == sandbox.metadata_endpoint
    assert len(set(endpoints.values())) == 3
    keys = set()
    for instance_id, endpoint in endpoints.items():
        own = InstanceMetadata(endpoint)
        assert (own.instance_id(), own.region()) == (instance_id, "ap-south-1")
        assert own.get("placement/availability-zone") == "ap-south-1a"
        assert own.get("autoscaling/target-lifecycle-state") is None
        keys.add(json.loads(own.get("iam/security-credentials/vawsum-agent") or "")["AccessKeyId"])
        assert sandbox.environment(instance_id=instance_id)["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == endpoint
    assert len(keys) == 3
    sandbox.metadata({"meta-data/spot/instance-action": "{}"}, instance_id="i-0f1")
    said = [InstanceMetadata(endpoint).get("spot/instance-action") for endpoint in endpoints.values()]
    assert said == ["{}", None, None]
    with pytest.raises(SandboxError, match="add_host"):
        sandbox.environment(instance_id="i-0f3")


def test_a_pinned_state_is_what_the_service_says(sandbox: Sandbox, elb: Client) -> None:
    """For states that no probe brings about."""
    sandbox.add_host("i-0ff", port=9)
    arn = add_group(sandbox).arn
    sandbox.register_targets("web", ("i-0ff", None))
    sandbox.pin_target("web", "i-0ff", "unhealthy.draining", "Target.FailedHealthChecks", "Target is unhealthy")
    (row,) = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    assert row["TargetHealth"]["State"] == "unhealthy.draining"
    sandbox.pin_target("web", "i-0ff", None)
    sandbox.await_targets("web", state="unhealthy")
    assert sandbox.targets("web")[0]["reason"] == "Target.FailedHealthChecks"


@pytest.mark.skipif(not is_installed(), reason="nginx is not installed")
def test_nginx_ends_with_the_sandbox_however_that_ends() -> None:
    """No balancer outlives a sandbox that was killed."""
    with Sandbox.start() as sandbox:
        url = sandbox.add_target_group("web").url
        assert get(f"{url}/")[0] == 503
        children = psutil.Process(sandbox._process.pid).children(recursive=True)
        assert "nginx" in {child.name() for child in children}
        sandbox._process.kill()
        # What lost its parent is dead, and there until the first process has collected it.
        psutil.wait_procs(children, timeout=10)
        assert all(not child.is_running() or child.status() == psutil.STATUS_ZOMBIE for child in children)
