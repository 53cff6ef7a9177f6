"""`packaging/iam/deploy.json`: enough for every call of a deploy, and nothing in it that no deploy needs.

That each action on target groups, Auto Scaling groups and secrets is needed is held where these are tested alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.account import KMS_KEY_ARN
from tests.counts import IS_SOAK
from tests.integration.deploy.deploying import SECOND, THIRD, DeployHost

if TYPE_CHECKING:
    from sandbox import Sandbox

IAM = Path(__file__).parents[3] / "packaging/iam"
FRAGMENT: dict[str, Any] = json.loads((IAM / "deploy.json").read_text())
UNPUBLISHED = "20260606T000000Z-6666666"


def strays(host: DeployHost) -> str:
    """What its deploys logged."""
    return "".join(path.read_text() for path in host.journal.folder.glob("*.err"))


def test_it_is_enough(aws: Sandbox, balanced: list[DeployHost]) -> None:
    """With it alone a host leaves by deregistration and by standby, with secrets, a rollback and marks."""
    host = balanced[0]
    aws.create_bucket("vawsum-secrets", kms_key_id=KMS_KEY_ARN)
    aws.put_object("vawsum-secrets", "web/.env", b"PASSWORD=correct-horse\n")
    host.configure('secrets = "s3://vawsum-secrets/web/"')
    aws.enforce(FRAGMENT)
    ended = host.deploy(SECOND)
    assert ended.code == 0, ended.error
    aws.add_scaling_group("web", [each.host.instance_id for each in balanced], target_groups=["web"])
    assert host.deploy(THIRD).code == 0
    assert host.run("deploy", "rollback", "--app", "web").code == 0
    assert (host.serves(), "not_announced" in strays(host)) == (SECOND, False)
    assert "deploy_ended" in "".join(event.message for _, _, event in aws.all_events("/vawsum/production/deploys"))
    assert aws.violations() == []


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:ListBucket"] if IS_SOAK else ["s3:ListBucket"])
def test_each_action_on_artifacts_is_needed(aws: Sandbox, hosts: list[DeployHost], action: str) -> None:
    """Without it nothing comes here, and the message names what is missing."""
    aws.enforce(FRAGMENT)
    aws.deny(action)
    ended = hosts[0].deploy(SECOND)
    assert (ended.code, ended.document["failed_step"]) == (1, "fetch")
    assert action in ended.document["error"]


@pytest.mark.parametrize(
    "action", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:PutRetentionPolicy"]
)
def test_each_action_on_marks_is_needed(aws: Sandbox, hosts: list[DeployHost], action: str) -> None:
    """Without it a deploy is not marked, which is no reason to fail, and it says so."""
    aws.enforce(FRAGMENT)
    aws.deny(action)
    assert hosts[0].deploy(UNPUBLISHED).document["failed_step"] == "fetch"
    assert "deploy_not_announced" in strays(hosts[0])
