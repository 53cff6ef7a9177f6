"""Secrets on the sandbox's S3: versions, keys and policies as they really answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.images.buckets import session_for
from tests.integration.sandbox_s3.clients import Client, connect
from vawsum_agent.aws.secret_bucket import SecretBucket, SecretVersion
from vawsum_agent.core.errors import AccessDenied, AgentError, DeployError, NotFound, Rejected
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.secrets import Secrets, fetch_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "vawsum-secrets"
FOLDER = f"s3://{BUCKET}/vawsum-web/"
RELEASE, LATER = "20261128T101500Z-4f2a91c", "20261129T101500Z-8c31d02"
POLICY: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObjectVersion"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Effect": "Allow", "Action": ["s3:ListBucketVersions"], "Resource": f"arn:aws:s3:::{BUCKET}"},
        {
            "Effect": "Allow",
            "Action": ["kms:Decrypt"],
            "Resource": "arn:aws:kms:*:*:key/*",
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}},
        },
    ],
}
"""What a host needs for its secrets, and nothing more."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=11) as started:
        yield started


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """A versioned bucket that encrypts with a key, and a host that may do what it has to."""
    shared.reset()
    shared.calm()
    shared.settings(kms_keys={KMS_KEY_ARN: "enabled"})
    shared.create_bucket(BUCKET, kms_key_id=KMS_KEY_ARN)
    shared.enforce(None)
    return shared


@pytest.fixture
def bucket(sandbox: Sandbox, tmp_path: Path) -> SecretBucket:
    """The agent's own client."""
    return SecretBucket(session_for(sandbox, tmp_path), FOLDER)


@pytest.fixture
def s3(sandbox: Sandbox) -> Client:
    """A person's client."""
    return connect(sandbox)


def put(s3: Client, name: str, body: bytes) -> str:
    """Store a secret; returns its version."""
    return str(s3.put_object(Bucket=BUCKET, Key=f"vawsum-web/{name}", Body=body)["VersionId"])


def fetch(bucket: SecretBucket, path: Path, release: str = RELEASE, *, renew: bool = True) -> Secrets:
    """Into a folder."""
    app = AppFolder(path / "app")
    return fetch_secrets(bucket, app, release, group="www-data", renew=renew, say=lambda _: None, sleep=lambda _: None)


def test_each_release_has_the_versions_of_its_day(
    sandbox: Sandbox,
    bucket: SecretBucket,
    s3: Client,
    tmp_path: Path,
) -> None:
    """Encrypted with a key, by the least policy; a rollback on a host that lost them gets exactly the earlier ones."""
    put(s3, ".env", b"DB_PASSWORD=hunter2\n")
    put(s3, "config/app ü.key", b"opaque-key")
    s3.put_object(Bucket=BUCKET, Key="another-app/.env", Body=b"X=secret-of-others")
    sandbox.enforce(POLICY)
    assert fetch(bucket, tmp_path).paths == {".env", "config/app ü.key"}
    sandbox.enforce(None)
    put(s3, ".env", b"DB_PASSWORD=another\n")
    sandbox.enforce(POLICY)
    assert b"another" in fetch(bucket, tmp_path, LATER).values
    env = tmp_path / "app/secrets" / RELEASE / ".env"
    env.unlink()
    assert b"hunter2" in fetch(bucket, tmp_path, renew=False).values
    assert env.read_bytes() == b"DB_PASSWORD=hunter2\n"
    assert sandbox.violations() == []


def test_all_pages_of_versions_are_read(bucket: SecretBucket, sandbox: Sandbox) -> None:
    """A thousand old versions before the ones that count are no reason to miss any."""
    for number in range(1003):
        sandbox.put_object(BUCKET, "vawsum-web/.env", b"A=%d" % number)
    for name in ("a", "z"):
        sandbox.put_object(BUCKET, f"vawsum-web/{name}", b"x")
    found = {row.name: bucket.read(row.name, row.version_id, 100) for row in bucket.newest()}
    assert found == {".env": b"A=1002", "a": b"x", "z": b"x"}


def test_deleted_unversioned_and_lost_secrets_are_told(
    sandbox: Sandbox,
    bucket: SecretBucket,
    s3: Client,
    tmp_path: Path,
) -> None:
    """A delete marker is seen, and so is a bucket that keeps no versions, and a version that is gone for good."""
    version = put(s3, ".env", b"A=b")
    assert list(bucket.newest()) == [SecretVersion(".env", version, 3, is_deleted=False)]
    with pytest.raises(Rejected, match="3 bytes, where a secret has at most 2"):
        bucket.read(".env", version, 2)
    put(s3, "app.key", b"key")
    fetch(bucket, tmp_path)
    s3.delete_object(Bucket=BUCKET, Key="vawsum-web/.env")
    with pytest.raises(DeployError, match=r"vawsum-web/\.env was deleted"):
        fetch(bucket, tmp_path, LATER)
    (tmp_path / "app/secrets" / RELEASE / ".env").unlink()
    fetch(bucket, tmp_path, renew=False)
    s3.delete_object(Bucket=BUCKET, Key="vawsum-web/.env", VersionId=version)
    (tmp_path / "app/secrets" / RELEASE / ".env").unlink()
    with pytest.raises(DeployError, match="has no version"):
        fetch(bucket, tmp_path, renew=False)
    sandbox.create_bucket("plain-bucket", is_versioned=False)
    sandbox.put_object("plain-bucket", ".env", b"A=b")
    plain = SecretBucket(session_for(sandbox, tmp_path), "s3://plain-bucket/")
    with pytest.raises(DeployError, match=r"s3://plain-bucket/\.env has no version") as caught:
        fetch(plain, tmp_path, LATER)
    assert "versioning" in caught.value.hint
    with pytest.raises(NotFound):
        fetch(SecretBucket(session_for(sandbox, tmp_path), "s3://no-such-bucket/"), tmp_path, LATER)


@pytest.mark.parametrize("action", ["s3:GetObjectVersion", "s3:ListBucketVersions", "kms:Decrypt"])
def test_each_action_is_needed_and_named_where_it_is_missing(
    sandbox: Sandbox,
    bucket: SecretBucket,
    s3: Client,
    tmp_path: Path,
    action: str,
) -> None:
    """In the hint, so that a person knows what to allow."""
    put(s3, ".env", b"A=b")
    statements = [one for one in POLICY["Statement"] if one["Action"] != [action]]
    sandbox.enforce({"Version": "2012-10-17", "Statement": statements})
    with pytest.raises(AgentError) as caught:
        fetch(bucket, tmp_path)
    assert isinstance(caught.value, AccessDenied | DeployError)
    assert action in caught.value.hint
    assert not (tmp_path / "app/secrets").exists()


def test_a_download_cut_short_is_had_again(
    sandbox: Sandbox,
    bucket: SecretBucket,
    s3: Client,
    tmp_path: Path,
) -> None:
    """Half a .env is none."""
    put(s3, ".env", b"DB_PASSWORD=hunter2\n" * 1000)
    sandbox.fault("cut", operation="s3:GetObject", count=2)
    fetch(bucket, tmp_path)
    assert (tmp_path / "app/secrets" / RELEASE / ".env").stat().st_size == 20_000
