"""Doctor on a real folder, a strict S3 and a real Apache: what it finds, and that it changes nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.images.buckets import BUCKET, PREFIX, session_for
from tests.integration.images.moving.running import OWNER, MovingAgent, Uploads
from tests.integration.images.site import BUCKET_URL, configuration_test, folder_at, site
from vawsum_agent.config.model import ImagesConfig
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.doctor.apache import LocalApache
from vawsum_agent.images.doctor.aws import aws
from vawsum_agent.images.doctor.serving import serving

if TYPE_CHECKING:
    from sandbox import Sandbox

POLICIES = Path(__file__).parents[3] / "packaging/iam"
SHIPPED: list[dict[str, Any]] = [json.loads((POLICIES / name).read_text()) for name in ("images.json", "doctor.json")]

SEVERITIES = {
    "s3:PutObject": Severity.PROBLEM,
    "s3:GetObject": Severity.PROBLEM,
    "s3:ListBucket": Severity.WARNING,
    "s3:AbortMultipartUpload": Severity.WARNING,
    "s3:ListBucketMultipartUploads": Severity.WARNING,
}


def asked(sandbox: Sandbox, tmp_path: Path, **settings: str) -> list[Finding]:
    """What S3 says of one folder."""
    folder = folder_at(tmp_path, **{"bucket": BUCKET, "prefix": PREFIX} | settings)
    return list(aws(ImagesConfig(folder=[folder]), session_for(sandbox, tmp_path), tells_the_clock=True))


def bad(findings: list[Finding]) -> list[Finding]:
    """What is not well; all of it has a remedy."""
    found = [finding for finding in findings if finding.severity is not Severity.OK]
    assert all(finding.remedy for finding in found)
    return found


def test_a_healthy_bucket_stays_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    """With the shipped policies all is well: an object, the key and the address are tried, and nothing is left."""
    sandbox.create_bucket(BUCKET)
    sandbox.put_object(BUCKET, f"{PREFIX}2026/a b.jpg", b"x", "image/jpeg")
    sandbox.enforce(SHIPPED)
    public_url = sandbox.public_url(BUCKET, PREFIX)
    before = sandbox.versions(BUCKET)
    found = asked(sandbox, tmp_path, kms_key_id=KMS_KEY_ARN, public_url=public_url)
    assert bad(found) == []
    assert {finding.where for finding in found} == {
        "clock",
        f"s3://{BUCKET}/{PREFIX}",
        f"s3://{BUCKET}",
        f"{public_url}2026/a%20b.jpg",
    }
    assert sandbox.versions(BUCKET) == before
    assert sandbox.uploads(BUCKET) == []


@pytest.mark.parametrize(("action", "severity"), SEVERITIES.items())
def test_a_missing_permission_is_named(sandbox: Sandbox, tmp_path: Path, action: str, severity: Severity) -> None:
    """Exactly the missing action, on exactly its resource, and what does not work without it."""
    sandbox.create_bucket(BUCKET)
    sandbox.enforce(SHIPPED)
    sandbox.deny(action)
    (found,) = bad(asked(sandbox, tmp_path))
    assert (found.severity, f"{action} is not allowed: " in found.what) == (severity, True)
    statement = json.loads(found.remedy.removeprefix("add to the role's policy: "))
    is_of_bucket = "ListBucket" in action
    resource = f"arn:aws:s3:::{BUCKET}" + ("" if is_of_bucket else f"/{PREFIX}*")
    assert statement == {"Effect": "Allow", "Action": action, "Resource": resource}


def test_the_remedies_are_a_policy_that_works(sandbox: Sandbox, tmp_path: Path) -> None:
    """A role that may do nothing: what doctor prints, put together, ends all that it found."""
    sandbox.create_bucket(BUCKET)
    sandbox.enforce({"Statement": []})
    found = bad(asked(sandbox, tmp_path))
    assert len(found) == len(SEVERITIES)
    fragments = [json.loads(finding.remedy.removeprefix("add to the role's policy: ")) for finding in found]
    sandbox.enforce({"Statement": fragments})
    assert bad(asked(sandbox, tmp_path)) == []


def test_a_key_that_can_not_be_used(sandbox: Sandbox, tmp_path: Path) -> None:
    """Disabled, or not allowed: nothing moves."""
    sandbox.create_bucket(BUCKET)
    sandbox.settings(kms_keys={KMS_KEY_ARN: "disabled"})
    (found,) = bad(asked(sandbox, tmp_path, kms_key_id=KMS_KEY_ARN))
    assert (found.severity, "the KMS key can't be used: nothing moves" in found.what) == (Severity.PROBLEM, True)
    sandbox.settings(kms_keys={KMS_KEY_ARN: "enabled"})
    sandbox.enforce(SHIPPED)
    sandbox.deny("kms:GenerateDataKey")
    (found,) = bad(asked(sandbox, tmp_path, kms_key_id=KMS_KEY_ARN))
    assert "in the role's policy and in the key's" in found.remedy


def test_a_missing_bucket(sandbox: Sandbox, tmp_path: Path) -> None:
    """One finding, with the command that makes it."""
    (found,) = bad(asked(sandbox, tmp_path, bucket="no-such-bucket"))
    assert found.severity is Severity.PROBLEM
    assert "NoSuchBucket" in found.what
    assert "aws s3 mb s3://no-such-bucket --region ap-south-1" in found.remedy


def test_a_bucket_without_versions(sandbox: Sandbox, tmp_path: Path) -> None:
    """A warning with the command that switches them on; where that may not be looked at it is said, and no more."""
    sandbox.create_bucket(BUCKET, is_versioned=False)
    (found,) = bad(asked(sandbox, tmp_path))
    assert (found.severity, "put-bucket-versioning" in found.remedy) == (Severity.WARNING, True)
    sandbox.enforce(SHIPPED[0])
    assert bad(asked(sandbox, tmp_path)) == []


def test_an_address_that_leads_nowhere(sandbox: Sandbox, tmp_path: Path) -> None:
    """The object is there, and who is sent to public_url does not get it."""
    sandbox.create_bucket(BUCKET)
    sandbox.put_object(BUCKET, f"{PREFIX}a.jpg", b"x", "image/jpeg")
    (found,) = bad(asked(sandbox, tmp_path, public_url=sandbox.public_url(BUCKET, "wrong/")))
    assert (found.severity, found.where.endswith("/wrong/a.jpg")) == (Severity.WARNING, True)


def test_no_answer_ends_it(sandbox: Sandbox, tmp_path: Path) -> None:
    """A clock that is far off, for which AWS refuses everything, is told as what it is."""
    sandbox.create_bucket(BUCKET)
    sandbox.settings(clock_offset_s=-1800)
    found = bad(asked(sandbox, tmp_path))
    assert found[0].where == "clock"
    assert all(finding.severity is Severity.PROBLEM for finding in found)


def test_the_whole_command(sandbox: Sandbox, tmp_path: Path) -> None:
    """What is wrong here is told by doctor, and what lets nobody in by check-config --online; nothing is changed."""
    sandbox.create_bucket(BUCKET)
    uploads = Uploads(tmp_path / "site" / "uploads")
    uploads.put("shell.jpg", b"<?php system($_GET['c']);", counts=False)
    agent = MovingAgent(tmp_path / "agent", sandbox)
    agent.configure(uploads, kms_key_id=KMS_KEY_ARN)
    before = uploads.local()
    time.sleep(1.1)  # `min_age`
    rows = told(agent, "doctor")
    places = {row["where"]: row for row in rows}
    assert places[f"removal from {uploads.path}"]["severity"] == "ok"
    assert f"files of {OWNER} move" in next(row["what"] for row in rows if row["where"] == str(uploads.path))
    assert any("php-code" in row["what"] and row["severity"] == "warning" for row in rows)
    assert f"disk of {uploads.path}" in places
    assert places[f"s3://{BUCKET}/{PREFIX}"]["severity"] == "ok"
    assert uploads.local() == before
    agent.configure(uploads, bucket="no-such-bucket", path=str(tmp_path / "gone"))
    rows = told(agent, "check-config", "--online")
    wrong = {row["where"] for row in rows if row["severity"] == "problem" and "agent.state_dir" not in row["what"]}
    wrong.discard(str(agent.runtime_dir))
    assert wrong == {str(tmp_path / "gone"), "s3://no-such-bucket/uploads/"}


def test_the_real_apache() -> None:
    """A redirect is seen; where another virtual host answers, it is found among what the configuration includes."""
    with site() as running:
        command = configuration_test(running.apache)[:-1]
        seen = LocalApache(f"http://127.0.0.1:{running.apache.port}/server-status?auto", command)
        (found,) = serving(running.folders, seen)
        assert (found.severity, BUCKET_URL in found.what) == (Severity.OK, True)
        unseen = LocalApache(None, command)
        assert len(unseen.included() or []) >= 2
        # The site's rules hold a line of the test's own.
        (found,) = serving(running.folders, unseen)
        assert (found.severity, "another configuration" in found.what) == (Severity.WARNING, True)


def told(agent: MovingAgent, *command: str) -> list[dict[str, str]]:
    """Run a command as the daemon's user."""
    ended = agent.run(*command, "--json")
    assert not ended.stderr, ended.stderr
    rows: list[dict[str, str]] = json.loads(ended.stdout)["findings"]
    return rows
