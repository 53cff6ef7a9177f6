"""The sandbox behaves like SNS and EC2 Auto Scaling to boto3, as far as it carries them out itself."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from sandbox import Notification, Sandbox, SandboxError
from sandbox.aws.account import INSTANCE_ID, TOPIC_ARN
from sandbox.aws.settings import RATE_LIMITS_PER_S

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICIES = Path(__file__).parents[2] / "packaging" / "iam"
Client = Any


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module; each test begins with an empty one."""
    with Sandbox.start(seed=3, moto=True, policy=[POLICIES / "metrics.json", POLICIES / "alerts.json"]) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """An empty sandbox without faults and quotas, which enforces the policies of metrics and alerts."""
    shared.reset()
    shared.deny()
    shared.settings(topics=[TOPIC_ARN], topic_subscription_count=1, auto_scaling_group="", clock_offset_s=0,
                    rate_limits_per_s=dict.fromkeys(RATE_LIMITS_PER_S, 1e6))  # fmt: skip
    return shared


def connect(sandbox: Sandbox, service: str) -> Client:
    """Return a client that tries once and gives up soon."""
    return boto3.client(
        service,
        endpoint_url=sandbox.endpoint,
        region_name="ap-south-1",
        aws_access_key_id="AKIASANDBOX000000000",
        aws_secret_access_key="sandbox",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=10, connect_timeout=2),
    )


@pytest.fixture
def sns(sandbox: Sandbox) -> Client:
    """A client for SNS."""
    return connect(sandbox, "sns")


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the service's error code."""
    code: str = error.value.response["Error"]["Code"]
    return code


def test_messages_are_kept_as_sent(sandbox: Sandbox, sns: Client) -> None:
    """Subject and message arrive letter for letter, in order, each with an id of its own."""
    message = "what: backup\nwhere: i-1 <&> ünïcode 🪵\n" * 50
    ids = [sns.publish(TopicArn=TOPIC_ARN, Subject=f"no. {number}", Message=message)["MessageId"] for number in (1, 2)]
    assert len(set(ids)) == 2
    first, second = sandbox.notifications()
    assert first == Notification("no. 1", message, TOPIC_ARN, first.at)
    assert abs(first.at - time.time()) < 60
    assert second.subject == "no. 2"
    assert sandbox.requests()["operations"]["Publish"] == {"ok": 2}
    assert sandbox.requests()["figures"]["notifications_accepted"] == 2
    assert sandbox.violations() == []


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"Subject": "x" * 101}, "Invalid parameter: Subject"),
        ({"Subject": "two\nlines"}, "Invalid parameter: Subject"),
        ({"Subject": ""}, "Invalid parameter: Subject"),
        ({"Message": ""}, "Invalid parameter: Empty message"),
        ({"Message": "x" * 262_145}, "Invalid parameter: Message too long"),
    ],
)
def test_wrong_messages_are_violations(sandbox: Sandbox, sns: Client, wrong: dict[str, str], part: str) -> None:
    """What SNS refuses is refused in its words and stored nowhere."""
    with pytest.raises(sns.exceptions.InvalidParameterException, match=part) as caught:
        sns.publish(**{"TopicArn": TOPIC_ARN, "Subject": "s", "Message": "m", **wrong})
    assert code_of(caught) == "InvalidParameter"
    assert sandbox.notifications() == []
    assert [row["target"] for row in sandbox.violations()] == [TOPIC_ARN]


def test_topics_are_those_of_the_settings(sandbox: Sandbox, sns: Client) -> None:
    """An unknown topic is NotFound, which breaks no rule; the settings make it known."""
    other = TOPIC_ARN.replace("ops", "dev")
    with pytest.raises(sns.exceptions.NotFoundException, match="Topic does not exist") as caught:
        sns.publish(TopicArn=other, Message="m")
    assert code_of(caught) == "NotFound"
    assert sandbox.violations() == []
    sandbox.settings(topics=[TOPIC_ARN, other])
    sns.publish(TopicArn=other, Message="m")
    assert [one.topic for one in sandbox.notifications()] == [other]


def test_fifo_topics_drop_what_they_had(sandbox: Sandbox, sns: Client) -> None:
    """Within five minutes a deduplication id counts once; the repetition is answered as if it counted."""
    topic = f"{TOPIC_ARN}.fifo"
    sandbox.settings(topics=[topic])
    order = {"TopicArn": topic, "MessageGroupId": "g"}
    ids = [sns.publish(**order, Message="m", MessageDeduplicationId=key)["MessageId"] for key in ("a", "a", "b")]
    assert ids[0] == ids[1] != ids[2]
    assert len(sandbox.notifications()) == 2


def test_topics_tell_of_their_subscriptions(sandbox: Sandbox, sns: Client) -> None:
    """GetTopicAttributes counts the confirmed ones, for topics that exist and whom a policy allows."""
    sandbox.settings(topic_subscription_count=3)
    with pytest.raises(ClientError, match="perform: sns:GetTopicAttributes"):
        sns.get_topic_attributes(TopicArn=TOPIC_ARN)
    allowed = {"Effect": "Allow", "Action": "sns:*", "Resource": "*"}
    sandbox.enforce({"Statement": allowed})
    try:
        attributes = sns.get_topic_attributes(TopicArn=TOPIC_ARN)["Attributes"]
        assert (attributes["TopicArn"], attributes["SubscriptionsConfirmed"]) == (TOPIC_ARN, "3")
        with pytest.raises(sns.exceptions.NotFoundException):
            sns.get_topic_attributes(TopicArn=f"{TOPIC_ARN}2")
    finally:
        sandbox.enforce([json.loads((POLICIES / f"{name}.json").read_text()) for name in ("metrics", "alerts")])


def test_the_policy_names_the_topics(sandbox: Sandbox, sns: Client) -> None:
    """`packaging/iam/alerts.json` allows topics of this name, and no others."""
    other = TOPIC_ARN.replace("vawsum-ops", "payroll")
    sandbox.settings(topics=[TOPIC_ARN, other])
    with pytest.raises(ClientError, match=f"perform: sns:Publish on resource: {other}") as caught:
        sns.publish(TopicArn=other, Message="m")
    assert code_of(caught) == "AuthorizationError"
    sandbox.deny("sns:Publish")
    with pytest.raises(ClientError, match="explicit deny"):
        sns.publish(TopicArn=TOPIC_ARN, Message="m")


@pytest.mark.parametrize(
    ("kind", "code", "is_stored"),
    [
        ("throttle", "Throttling", False),
        ("unavailable", "ServiceUnavailable", False),
        ("failure", "InternalError", False),
        ("failure_after", "InternalError", True),
        ("deny", "AuthorizationError", False),
    ],
)
def test_refusals_on_demand(sandbox: Sandbox, sns: Client, *, kind: str, code: str, is_stored: bool) -> None:
    """Each kind answers in this service's words and stores, or doesn't, as it says; then all is well again."""
    sandbox.fault(kind, operation="Publish", group="*:vawsum-ops", count=1)
    with pytest.raises(ClientError) as caught:
        sns.publish(TopicArn=TOPIC_ARN, Message="m")
    assert code_of(caught) == code
    assert len(sandbox.notifications()) == is_stored
    sns.publish(TopicArn=TOPIC_ARN, Message="m")
    assert sandbox.violations() == []


@pytest.mark.parametrize(("kind", "is_stored"), [("reset", False), ("drop", False), ("reset_after", True)])
def test_connections_break_before_or_after_accepting(
    sandbox: Sandbox, sns: Client, *, kind: str, is_stored: bool
) -> None:
    """To the client all three look alike; only the books tell whether the message was accepted."""
    sandbox.fault(kind, operation="sns:Publish", count=1)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        sns.publish(TopicArn=TOPIC_ARN, Message="m")
    assert len(sandbox.notifications()) == is_stored
    assert sandbox.requests()["operations"]["Publish"] == {kind: 1}


def test_stale_signatures_are_refused(sandbox: Sandbox, sns: Client) -> None:
    """A clock that is off gets the code that the query protocol has for it."""
    sandbox.settings(clock_offset_s=3600)
    with pytest.raises(ClientError, match="Signature expired") as caught:
        sns.publish(TopicArn=TOPIC_ARN, Message="m")
    assert code_of(caught) == "SignatureDoesNotMatch"


def test_other_operations_are_motos(sandbox: Sandbox, sns: Client) -> None:
    """What the front does not carry out is passed on whole, and faults strike it by its name."""
    arn = sns.create_topic(Name="vawsum-made")["TopicArn"]
    assert arn == TOPIC_ARN.replace("ops", "made")
    assert sandbox.requests()["operations"] == {"sns:CreateTopic": {"ok": 1}}
    sandbox.fault("unavailable", operation="autoscaling:DescribeLaunchConfigurations", count=1)
    scaling = connect(sandbox, "autoscaling")
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        scaling.describe_launch_configurations()
    assert scaling.describe_launch_configurations()["LaunchConfigurations"] == []


def test_the_instance_is_in_the_group_of_the_settings(sandbox: Sandbox) -> None:
    """In none at first; then in the one named, with what instance metadata says of it, under the metrics policy."""
    scaling = connect(sandbox, "autoscaling")
    assert scaling.describe_auto_scaling_instances(InstanceIds=[INSTANCE_ID])["AutoScalingInstances"] == []
    sandbox.settings(auto_scaling_group="web-asg")
    (row,) = scaling.describe_auto_scaling_instances(InstanceIds=[INSTANCE_ID])["AutoScalingInstances"]
    assert (row["InstanceId"], row["AutoScalingGroupName"], row["InstanceType"]) == (
        INSTANCE_ID,
        "web-asg",
        "t3.medium",
    )
    assert row["LifecycleState"] == "InService"
    assert row["ProtectedFromScaleIn"] is False
    assert len(scaling.describe_auto_scaling_instances()["AutoScalingInstances"]) == 1
    assert scaling.describe_auto_scaling_instances(InstanceIds=["i-other"])["AutoScalingInstances"] == []
    sandbox.deny("autoscaling:*")
    with pytest.raises(ClientError, match="not authorized to perform: autoscaling:Describe") as caught:
        scaling.describe_auto_scaling_instances()
    assert code_of(caught) == "AccessDenied"
    sandbox.deny()
    with pytest.raises(ClientError, match="exceeds the limit of 50"):
        scaling.describe_auto_scaling_instances(InstanceIds=[f"i-{number}" for number in range(51)])


def test_metadata_tells_of_image_type_and_tags(sandbox: Sandbox) -> None:
    """Image and type are there at first; tags come with a setting, their colons as they are or escaped."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.metadata_endpoint).netloc, timeout=5)

    def ask(path: str) -> tuple[int, str]:
        connection.request("PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        token = connection.getresponse().read().decode()
        connection.request("GET", f"/latest/meta-data/{path}", headers={"X-aws-ec2-metadata-token": token})
        response = connection.getresponse()
        return response.status, response.read().decode()

    tag = "tags/instance/aws:autoscaling:groupName"
    assert ask("ami-id") == (200, "ami-0sandbox")
    assert ask("instance-type") == (200, "t3.medium")
    assert ask(tag)[0] == 404
    sandbox.metadata({f"meta-data/{tag}": "web-asg"})
    assert ask(tag) == ask(tag.replace(":", "%3A")) == (200, "web-asg")
    sandbox.metadata({f"meta-data/{tag}": None})
    connection.close()


def test_a_bad_policy_changes_nothing(sandbox: Sandbox, sns: Client) -> None:
    """The policies in force stay when others are not understood."""
    bad = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "true"}}}}
    with pytest.raises(SandboxError, match="does not evaluate"):
        sandbox.enforce([json.loads((POLICIES / "logs.json").read_text()), bad])
    sns.publish(TopicArn=TOPIC_ARN, Message="m")
