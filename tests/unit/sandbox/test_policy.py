"""The front allows what an IAM policy allows, and says no in IAM's words."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.answers import ServiceError
from sandbox.aws.logs_service import resource_of
from sandbox.aws.policy import Access, Gatekeeper, read_policy

GROUPS = "arn:aws:logs:*:*:log-group:/vawsum/*"


def policy(*actions: str, effect: str = "Allow", resource: object = GROUPS) -> dict[str, Any]:
    """Return one statement."""
    return {"Effect": effect, "Action": list(actions), "Resource": resource}


def gatekeeper(*statements: dict[str, Any]) -> Gatekeeper:
    """Return a gatekeeper that enforces these statements."""
    keeper = Gatekeeper()
    keeper.enforce({"Version": "2012-10-17", "Statement": list(statements)})
    return keeper


def on_logs(operation: str, group: str, stream: str, region: str) -> Access:
    """Return what an operation of CloudWatch Logs wants."""
    return Access(f"logs:{operation}", resource_of(operation, group, stream, region))


def test_without_a_policy_everything_is_allowed() -> None:
    """Enforcement is asked for, not assumed."""
    Gatekeeper().check(on_logs("PutLogEvents", "any", "s", "eu-west-1"))


@pytest.mark.parametrize(
    ("operation", "group", "stream"),
    [
        ("PutLogEvents", "/vawsum/a", "i-1/x"),
        ("CreateLogGroup", "/vawsum/a", ""),
        ("CreateLogStream", "/vawsum/a", "s"),
    ],
)
def test_listed_actions_on_matching_groups_are_allowed(operation: str, group: str, stream: str) -> None:
    """`log-group:NAME:*` covers the group and its streams."""
    gatekeeper(policy("logs:PutLogEvents", "logs:Create*")).check(on_logs(operation, group, stream, "ap-south-1"))


@pytest.mark.parametrize(("operation", "group"), [("GetLogEvents", "/vawsum/a"), ("PutLogEvents", "/other/a")])
def test_anything_else_is_denied_in_iams_words(operation: str, group: str) -> None:
    """Neither another action nor another group gets through."""
    with pytest.raises(ServiceError) as caught:
        gatekeeper(policy("logs:PutLogEvents")).check(on_logs(operation, group, "s", "ap-south-1"))
    assert caught.value.code == "AccessDeniedException"
    assert (
        f"is not authorized to perform: logs:{operation} on resource: arn:aws:logs:ap-south-1:123456789012:log-group:"
        f"{group}:log-stream:s because no identity-based policy allows the logs:{operation} action"
    ) in caught.value.message


def test_deny_wins_over_allow() -> None:
    """An explicit deny beats any allow, and says it is one."""
    keeper = gatekeeper(policy("logs:*", resource="*"), policy("logs:GetLogEvents", effect="Deny"))
    keeper.check(on_logs("GetLogEvents", "/other", "s", "r"))
    with pytest.raises(ServiceError, match="explicit deny"):
        keeper.check(on_logs("GetLogEvents", "/vawsum/a", "s", "r"))


def test_actions_can_be_denied_without_a_policy() -> None:
    """A single permission can be taken away and given back while the sandbox runs."""
    keeper = Gatekeeper()
    keeper.deny(["logs:GetLogEvents"])
    keeper.check(on_logs("PutLogEvents", "g", "s", "r"))
    with pytest.raises(ServiceError, match="explicit deny"):
        keeper.check(on_logs("GetLogEvents", "g", "s", "r"))
    keeper.deny([])
    keeper.check(on_logs("GetLogEvents", "g", "s", "r"))


def put_metrics(namespace: str) -> Access:
    """Return what PutMetricData wants."""
    return Access("cloudwatch:PutMetricData", context={"cloudwatch:namespace": namespace})


@pytest.mark.parametrize("wanted", ["CWAgent", ["Other", "CWAgent"]])
@pytest.mark.parametrize("key", ["cloudwatch:namespace", "CloudWatch:Namespace"])
def test_namespaces_are_compared(wanted: object, key: str) -> None:
    """A condition on the namespace allows those it names, in exactly their letters, and no other."""
    condition = {"Condition": {"StringEquals": {key: wanted}}}
    keeper = gatekeeper({**policy("cloudwatch:PutMetricData", resource="*"), **condition})
    keeper.check(put_metrics("CWAgent"))
    for other in ("cwagent", "CWAgent2", ""):
        with pytest.raises(ServiceError) as caught:
            keeper.check(put_metrics(other))
        assert "perform: cloudwatch:PutMetricData because no identity-based policy allows" in caught.value.message


def test_a_condition_on_what_a_request_lacks_does_not_hold() -> None:
    """A statement with a namespace says nothing of operations that have none."""
    keeper = gatekeeper({**policy("*", resource="*"), "Condition": {"StringEquals": {"cloudwatch:namespace": "x"}}})
    with pytest.raises(ServiceError):
        keeper.check(Access("sns:Publish", "arn:aws:sns:r:1:t"))


def test_actions_without_resource_need_a_star() -> None:
    """PutMetricData can't be limited to an ARN, which grants nothing."""
    with pytest.raises(ServiceError):
        gatekeeper(policy("cloudwatch:*", resource="arn:aws:cloudwatch:*:*:*")).check(put_metrics("x"))


def test_policies_add_up() -> None:
    """Several policies allow together what each allows, and one that is not understood changes nothing."""
    keeper = gatekeeper()
    logs, sns = policy("logs:*", resource="*"), policy("sns:Publish", resource="arn:aws:sns:*:*:vawsum-*")
    publish = Access("sns:Publish", "arn:aws:sns:r:1:vawsum-ops")
    keeper.enforce({"Statement": [logs]}, {"Statement": sns})
    keeper.check(publish)
    keeper.check(on_logs("PutLogEvents", "g", "s", "r"))
    with pytest.raises(ServiceError):
        keeper.check(Access("sns:Publish", "arn:aws:sns:r:1:other"))
    with pytest.raises(ValueError, match="NotAction"):
        keeper.enforce({"Statement": {**logs, "NotAction": "x"}})
    keeper.check(publish)


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {}},
        {"StringLike": {"cloudwatch:namespace": "CW*"}},
        {"StringEquals": {"aws:SourceIp": "10.0.0.1"}},
        {"StringEquals": {"cloudwatch:namespace": "${aws:username}"}},
    ],
)
def test_other_conditions_are_not_guessed_at(condition: dict[str, Any]) -> None:
    """A policy that can't be evaluated is refused: ignoring a condition would prove nothing."""
    with pytest.raises(ValueError, match="Condition"):
        read_policy({"Statement": [{**policy("logs:*"), "Condition": condition}]})
