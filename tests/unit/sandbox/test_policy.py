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


def test_policy_with_conditions_is_not_guessed_at() -> None:
    """A policy that can't be evaluated is refused: ignoring a condition would prove nothing."""
    with pytest.raises(ValueError, match="Condition"):
        read_policy({"Statement": [{**policy("logs:*"), "Condition": {"Bool": {}}}]})
