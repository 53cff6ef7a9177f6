"""Keys and policies at the sandbox's S3."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from sandbox import SandboxError
from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.sandbox_s3.clients import BUCKET, code_of

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.sandbox_s3.clients import Client


def test_kms_keys_are_used_and_can_fail(sandbox: Sandbox, s3: Client) -> None:
    """An object under a key tells its ARN and has no MD5 for a tag; keys that can't be used are told apart."""
    kms = {"Bucket": BUCKET, "Key": "k", "Body": b"abc", "ServerSideEncryption": "aws:kms"}
    made = s3.put_object(**kms, SSEKMSKeyId=KMS_KEY_ARN.rpartition("/")[2])
    assert made["SSEKMSKeyId"] == KMS_KEY_ARN
    assert made["ETag"] != f'"{hashlib.md5(b"abc").hexdigest()}"'  # noqa: S324 - S3's tag
    assert s3.head_object(Bucket=BUCKET, Key="k")["SSEKMSKeyId"] == KMS_KEY_ARN
    assert sandbox.objects(BUCKET)[0].kms_key_id == KMS_KEY_ARN
    states = {"disabled": "KMS.DisabledException", "pending-deletion": "KMS.KMSInvalidStateException"}
    for state, code in {**states, "denied": "AccessDenied", "missing": "KMS.NotFoundException"}.items():
        sandbox.settings(kms_keys={f"alias/{state}": state} if state != "missing" else {})
        with pytest.raises(ClientError) as caught:
            s3.put_object(**kms, SSEKMSKeyId=f"alias/{state}")
        assert code_of(caught)[0] == code
    sandbox.settings(kms_keys={KMS_KEY_ARN: "disabled"})
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=BUCKET, Key="k")
    assert code_of(caught)[0] == "KMS.DisabledException"
    assert s3.head_object(Bucket=BUCKET, Key="k")["ContentLength"] == 3
    assert sandbox.violations() == []


def test_buckets_encrypt_by_default(sandbox: Sandbox, s3: Client) -> None:
    """A bucket with a key of its own uses it for what comes without a word."""
    sandbox.create_bucket("vawsum-backups", kms_key_id=KMS_KEY_ARN)
    assert s3.put_object(Bucket="vawsum-backups", Key="k", Body=b"x")["SSEKMSKeyId"] == KMS_KEY_ARN
    with pytest.raises(SandboxError, match="AlreadyOwnedByYou"):
        sandbox.create_bucket("vawsum-backups")


def test_policies_name_prefixes_and_keys(sandbox: Sandbox, s3: Client) -> None:
    """Only allowed prefixes and keys can be used; what is missing is 403 to whom may not list."""
    allowed = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"],
               "Resource": f"arn:aws:s3:::{BUCKET}/uploads/*"}  # fmt: skip
    sandbox.enforce({"Statement": [allowed]})
    s3.put_object(Bucket=BUCKET, Key="uploads/a", Body=b"x")
    with pytest.raises(ClientError, match=f"s3:PutObject on resource: arn:aws:s3:::{BUCKET}/other") as caught:
        s3.put_object(Bucket=BUCKET, Key="other/a", Body=b"x")
    assert code_of(caught) == ("AccessDenied", 403)
    with pytest.raises(ClientError, match="403"):
        s3.head_object(Bucket=BUCKET, Key="uploads/none")
    with pytest.raises(ClientError, match="s3:ListBucketMultipartUploads"):
        s3.list_multipart_uploads(Bucket=BUCKET)
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        s3.put_object(
            Bucket=BUCKET, Key="uploads/b", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=KMS_KEY_ARN
        )
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}
    through_s3 = {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}
    keys = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": KMS_KEY_ARN, "Condition": through_s3}
    sandbox.enforce([{"Statement": [allowed, listing]}, {"Statement": keys}])
    with pytest.raises(ClientError, match="404"):
        s3.head_object(Bucket=BUCKET, Key="uploads/none")
    s3.put_object(Bucket=BUCKET, Key="uploads/b", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=KMS_KEY_ARN)
    with pytest.raises(ClientError, match="kms:Decrypt"):
        s3.get_object(Bucket=BUCKET, Key="uploads/b")
    assert s3.head_object(Bucket=BUCKET, Key="uploads/b")["ContentLength"] == 1
