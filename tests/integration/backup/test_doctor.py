"""Doctor on the sandbox's S3: what the bucket lacks is named, the remedies work, and nothing is changed."""

from __future__ import annotations

import json
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.backup.vaults import BUCKET, session_for, vault_for
from tests.unit.backup.manifests import manifest
from vawsum_agent.aws.s3_client import s3_client
from vawsum_agent.backup.doctor.aws import aws
from vawsum_agent.backup.doctor.lifecycle import Wanted, rules_to_set
from vawsum_agent.backup.manifest import Stored, encode
from vawsum_agent.backup.names import MANIFEST, BackupName, backup_id_at
from vawsum_agent.config.model import BackupConfig, BackupDrill
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.identity import Identity

if TYPE_CHECKING:
    from sandbox import Sandbox

SERVER = "production-db"
IDENTITY = Identity("i-0abc", "db-1", "production", "db")
HOUR_S = 3600.0
pytestmark = pytest.mark.spoilt("manifests written by hand, without dumps")

SHIPPED: dict[str, Any] = json.loads((Path(__file__).parents[3] / "packaging/iam/backup.json").read_text())
SEVERITIES = {
    "s3:PutObject": Severity.PROBLEM,
    "s3:GetObject": Severity.PROBLEM,
    "s3:ListBucket": Severity.PROBLEM,
    "s3:AbortMultipartUpload": Severity.WARNING,
    "s3:ListBucketMultipartUploads": Severity.WARNING,
    "s3:GetObjectTagging": Severity.WARNING,
    "s3:PutObjectTagging": Severity.WARNING,
    "s3:GetLifecycleConfiguration": Severity.WARNING,
}


def set_rules(sandbox: Sandbox, tmp_path: Path, rules: list[dict[str, Any]]) -> None:
    """Give the bucket its lifecycle rules, as the command that is printed does."""
    s3_client(session_for(sandbox, tmp_path)).put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": rules}
    )


def publish(sandbox: Sandbox, tmp_path: Path, *, age_s: float = HOUR_S, raw_bytes: int = 4420) -> None:
    """Put the manifest of a backup into the bucket."""
    name = BackupName(SERVER, backup_id_at(time.time() - age_s))
    dump = Stored(name="dump.sql.zst", size_bytes=1000, raw_bytes=raw_bytes, sha256="00" * 32, etag='"e"')
    vault = vault_for(sandbox, tmp_path)
    vault.put_new(name.key("mysql/", MANIFEST), encode(manifest(name, dump=dump)), "application/json")


@pytest.fixture
def healthy(sandbox: Sandbox, tmp_path: Path) -> Sandbox:
    """A bucket as it should be, with a backup of last night, and a role with the shipped policy alone."""
    set_rules(sandbox, tmp_path, rules_to_set(Wanted(BUCKET, "mysql/", SERVER, 15)))
    publish(sandbox, tmp_path)
    sandbox.enforce(SHIPPED)
    return sandbox


def asked(sandbox: Sandbox, tmp_path: Path, **settings: Any) -> list[Finding]:  # noqa: ANN401 - of any key
    """What S3 says."""
    plain: dict[str, Any] = {"bucket": BUCKET, "kms_key_id": KMS_KEY_ARN, "drill": BackupDrill()}
    backup = BackupConfig(**plain | settings)
    session = session_for(sandbox, tmp_path)
    return list(aws(backup, IDENTITY, session, str(tmp_path), time.time(), tells_the_clock=True))


def bad(findings: list[Finding]) -> list[Finding]:
    """What is not well; all of it has a remedy."""
    found = [finding for finding in findings if finding.severity is not Severity.OK]
    assert all(finding.remedy for finding in found)
    return found


def test_a_healthy_bucket_stays_as_it_is(healthy: Sandbox, tmp_path: Path) -> None:
    """Every call, the versions, the rules, the age and the next drill are looked at; nothing is left or changed."""
    before = healthy.versions(BUCKET)
    found = asked(healthy, tmp_path)
    assert bad(found) == []
    assert {finding.where for finding in found} == {
        "clock",
        f"s3://{BUCKET}/mysql/{SERVER}/",
        f"s3://{BUCKET}",
        f"lifecycle of s3://{BUCKET}",
        f"backups of {SERVER}",
        "drill",
    }
    assert healthy.versions(BUCKET) == before
    assert healthy.uploads(BUCKET) == []


@pytest.mark.parametrize(("action", "severity"), SEVERITIES.items())
def test_a_missing_permission_is_named(healthy: Sandbox, tmp_path: Path, action: str, severity: Severity) -> None:
    """Exactly the missing action, on exactly its resource, and what does not work without it."""
    healthy.deny(action)
    found = [finding for finding in bad(asked(healthy, tmp_path)) if "is not allowed" in finding.what]
    assert [(finding.severity, f"{action} is not allowed: " in finding.what) for finding in found] == [(severity, True)]
    statement = json.loads(found[0].remedy.removeprefix("add to the role's policy: "))
    is_of_bucket = "ListBucket" in action or "Lifecycle" in action
    resource = f"arn:aws:s3:::{BUCKET}" + ("" if is_of_bucket else "/mysql/*")
    assert statement == {"Effect": "Allow", "Action": action, "Resource": resource}


def test_the_printed_rules_work(sandbox: Sandbox, tmp_path: Path) -> None:
    """A bucket without rules: what is printed, set as it stands, ends all that was found."""
    publish(sandbox, tmp_path)
    found = bad(asked(sandbox, tmp_path))
    assert {finding.where for finding in found} == {f"lifecycle of s3://{BUCKET}"}
    (command,) = {finding.remedy for finding in found}
    set_rules(sandbox, tmp_path, json.loads(shlex.split(command)[-1])["Rules"])
    assert bad(asked(sandbox, tmp_path)) == []
    (wrong, *_) = bad(asked(sandbox, tmp_path, retention_days=40))
    assert "retention_days = 40" in wrong.what


def test_a_rule_that_deletes_all(healthy: Sandbox, tmp_path: Path) -> None:
    """However it came there, it is a problem."""
    healthy.enforce(None)
    rule = {"ID": "cleanup", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
    set_rules(healthy, tmp_path, [*rules_to_set(Wanted(BUCKET, "mysql/", SERVER, 15)), rule])
    (found,) = bad(asked(healthy, tmp_path))
    assert (found.severity, "'cleanup' removes backups after 30 days" in found.what) == (Severity.PROBLEM, True)


def test_a_key_that_can_not_be_used(healthy: Sandbox, tmp_path: Path) -> None:
    """No backup can be made."""
    healthy.deny("kms:GenerateDataKey")
    found = bad(asked(healthy, tmp_path))
    assert any("the KMS key can't be used: no backup can be made" in finding.what for finding in found)


def test_a_missing_bucket(healthy: Sandbox, tmp_path: Path) -> None:
    """One finding, with the command that makes it."""
    healthy.enforce(None)
    (found,) = bad(asked(healthy, tmp_path, bucket="no-such-bucket"))
    assert found.severity is Severity.PROBLEM
    assert "aws s3 mb s3://no-such-bucket --region ap-south-1" in found.remedy


def test_a_bucket_without_versions(sandbox: Sandbox, tmp_path: Path) -> None:
    """A warning with the command that switches them on."""
    sandbox.create_bucket("plain-bucket", is_versioned=False)
    found = bad(asked(sandbox, tmp_path, bucket="plain-bucket"))
    assert any("put-bucket-versioning" in finding.remedy for finding in found)
    assert not any("noncurrent" in finding.what for finding in found)


def test_a_clock_that_is_off(healthy: Sandbox, tmp_path: Path) -> None:
    """Everything is refused then; the clock is told first, since that is why."""
    healthy.settings(clock_offset_s=-1800)
    found = bad(asked(healthy, tmp_path))
    assert found[0].where == "clock"
    assert all(finding.severity is Severity.PROBLEM for finding in found)


@pytest.mark.parametrize(("age_s", "severity"), [(25 * HOUR_S, None), (30 * HOUR_S, Severity.PROBLEM)])
def test_age(healthy: Sandbox, tmp_path: Path, age_s: float, severity: Severity | None) -> None:
    """A night that was missed is a problem; one that is late is none."""
    for row in healthy.objects(BUCKET):
        assert row.key.endswith(MANIFEST)
    healthy.reset()
    healthy.create_bucket(BUCKET)
    healthy.enforce(None)
    publish(healthy, tmp_path, age_s=age_s)
    found = [finding for finding in asked(healthy, tmp_path) if finding.where == f"backups of {SERVER}"]
    assert [finding.severity for finding in found] == [severity or Severity.OK]


def test_no_backup_yet(sandbox: Sandbox, tmp_path: Path) -> None:
    """A warning: it may be the first day."""
    found = [finding for finding in asked(sandbox, tmp_path) if finding.where == f"backups of {SERVER}"]
    assert [(finding.severity, finding.what) for finding in found] == [(Severity.WARNING, "there is none yet")]


def test_drills(sandbox: Sandbox, tmp_path: Path) -> None:
    """One that is not scheduled, and one for which the disk would not do."""
    publish(sandbox, tmp_path, raw_bytes=1 << 50)
    told = [finding for finding in asked(sandbox, tmp_path, drill=None) if finding.where == "drill"]
    assert [(finding.severity, "none is scheduled" in finding.what) for finding in told] == [(Severity.WARNING, True)]
    told = [finding for finding in asked(sandbox, tmp_path) if finding.where == "drill"]
    assert [(finding.severity, "needs 2621441.0 GiB" in finding.what) for finding in told] == [(Severity.PROBLEM, True)]
