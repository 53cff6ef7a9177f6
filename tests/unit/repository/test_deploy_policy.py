"""The deploy's policy: what a host may do with it, by the sandbox's reading of IAM, and above all what it may not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.aws.answers import ServiceError
from sandbox.aws.policy import Access, Gatekeeper

POLICY = Path(__file__).parents[3] / "packaging/iam/deploy.json"
ARTIFACT, SECRET = "arn:aws:s3:::vawsum-artifacts/vawsum-web/x.tar.gz", "arn:aws:s3:::vawsum-secrets/vawsum-web/.env"
TARGETS = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:targetgroup/vawsum-web/0123456789abcdef"
GROUP = "arn:aws:autoscaling:ap-south-1:123456789012:autoScalingGroup:0123-45:autoScalingGroupName/vawsum-web"
KEY = "arn:aws:kms:ap-south-1:123456789012:key/1"


@pytest.fixture
def gatekeeper() -> Gatekeeper:
    """Enforces the policy alone."""
    gatekeeper = Gatekeeper()
    gatekeeper.enforce(json.loads(POLICY.read_text()))
    return gatekeeper


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", ARTIFACT),
        ("s3:GetObjectVersion", SECRET),
        ("s3:ListBucketVersions", "arn:aws:s3:::vawsum-secrets"),
        ("elasticloadbalancing:DeregisterTargets", TARGETS),
        ("elasticloadbalancing:DescribeTargetHealth", "*"),
        ("autoscaling:EnterStandby", GROUP),
    ],
)
def test_a_deploy_may(gatekeeper: Gatekeeper, action: str, resource: str) -> None:
    """It fetches releases and secrets, and takes this host out of service and back."""
    gatekeeper.check(Access(action, resource))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", ARTIFACT),
        ("s3:DeleteObject", ARTIFACT),
        ("s3:PutObject", SECRET),
        ("s3:DeleteObjectVersion", SECRET),
        ("s3:GetObject", "arn:aws:s3:::vawsum-backups/mysql/dump.sql.zst"),
        ("kms:Decrypt", KEY),
        ("kms:Encrypt", KEY),
        ("elasticloadbalancing:DeleteTargetGroup", TARGETS),
        ("elasticloadbalancing:ModifyTargetGroupAttributes", TARGETS),
        ("autoscaling:TerminateInstanceInAutoScalingGroup", GROUP),
        ("autoscaling:SetDesiredCapacity", GROUP),
        ("autoscaling:UpdateAutoScalingGroup", GROUP),
        ("ssm:SendCommand", "*"),
    ],
)
def test_a_deploy_may_not(gatekeeper: Gatekeeper, action: str, resource: str) -> None:
    """A host that was taken over can neither publish nor destroy a release, change a group, nor read other buckets."""
    with pytest.raises(ServiceError):
        gatekeeper.check(Access(action, resource))


def test_keys_serve_s3_alone(gatekeeper: Gatekeeper) -> None:
    """A key decrypts what comes through S3."""
    gatekeeper.check(Access("kms:Decrypt", KEY, {"kms:viaservice": "s3.ap-south-1.amazonaws.com"}))
