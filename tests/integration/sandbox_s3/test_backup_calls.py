"""What backups rely on at the sandbox's S3: policies for tags and rules, conditions on completions, S3's own clock."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from tests.integration.sandbox_s3.clients import BUCKET, code_of, sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.integration.sandbox_s3.clients import Client

RULE = {"ID": "a", "Status": "Enabled", "Filter": {"Tag": {"Key": "a", "Value": "b"}}, "Expiration": {"Days": 15}}
CALLS: dict[str, Callable[[Client], Any]] = {
    "s3:PutObjectTagging": lambda s3: s3.put_object_tagging(Bucket=BUCKET, Key="k", Tagging={"TagSet": []}),
    "s3:GetObjectTagging": lambda s3: s3.get_object_tagging(Bucket=BUCKET, Key="k"),
    "s3:GetLifecycleConfiguration": lambda s3: s3.get_bucket_lifecycle_configuration(Bucket=BUCKET),
    "s3:GetBucketVersioning": lambda s3: s3.get_bucket_versioning(Bucket=BUCKET),
    "s3:PutLifecycleConfiguration": lambda s3: s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": [RULE]}
    ),
    "s3:AbortMultipartUpload": lambda s3: s3.abort_multipart_upload(Bucket=BUCKET, Key="k", UploadId="none"),
}


@pytest.mark.parametrize("action", CALLS)
def test_each_call_needs_its_action(sandbox: Sandbox, s3: Client, action: str) -> None:
    """With it the call is answered, be it that nothing is there; with all others alone it is denied, by name."""
    sandbox.create_bucket("other-bucket")
    where = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    others = [name for name in CALLS if name != action]
    sandbox.enforce({"Statement": [{"Effect": "Allow", "Action": others, "Resource": where}]})
    with pytest.raises(ClientError, match=action) as caught:
        CALLS[action](s3)
    assert code_of(caught) == ("AccessDenied", 403)
    sandbox.enforce({"Statement": [{"Effect": "Allow", "Action": [action, "s3:ListBucket"], "Resource": where}]})
    try:
        CALLS[action](s3)
    except ClientError as error:
        assert error.response["Error"]["Code"] in {"NoSuchKey", "NoSuchUpload", "NoSuchLifecycleConfiguration"}  # noqa: PT017 - or none


def test_completions_are_refused_where_their_condition_does_not_hold(sandbox: Sandbox, s3: Client) -> None:
    """412 both ways; the upload stays, and completes under a condition that holds."""
    what = {"Bucket": BUCKET, "Key": "k"}
    there = s3.put_object(**what, Body=b"1")["ETag"]
    upload = what | {"UploadId": s3.create_multipart_upload(**what, ChecksumAlgorithm="SHA256")["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"2", ChecksumSHA256=sha256_of(b"2"))
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": sha256_of(b"2")}]}
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"00000000000000000000000000000000"'}):
        with pytest.raises(ClientError) as caught:
            s3.complete_multipart_upload(**upload, MultipartUpload=parts, **condition)
        assert code_of(caught) == ("PreconditionFailed", 412)
    s3.complete_multipart_upload(**upload, MultipartUpload=parts, IfMatch=there)
    assert sandbox.object_bytes(BUCKET, "k") == b"2"


def test_times_are_those_of_the_service(sandbox: Sandbox, s3: Client) -> None:
    """Date and Last-Modified are by its clock, however far that is from ours."""
    sandbox.settings(clock_offset_s=250)
    for answer in (s3.put_object(Bucket=BUCKET, Key="k", Body=b"1"), s3.get_object(Bucket=BUCKET, Key="k")):
        told = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
        assert 200 < told - time.time() < 260
    assert answer["LastModified"].timestamp() - time.time() > 200


@pytest.mark.parametrize(("kind", "part_count"), [("unavailable", 0), ("reset", 0), ("reset_after", 1)])
def test_parts_fail_as_often_as_wanted(sandbox: Sandbox, s3: Client, kind: str, part_count: int) -> None:
    """The next so many are refused, broken before or after they were taken; then all is well."""
    what = {"Bucket": BUCKET, "Key": "k"}
    upload = what | {"UploadId": s3.create_multipart_upload(**what)["UploadId"]}
    sandbox.fault(kind, operation="s3:UploadPart", count=2)
    for _ in range(2):
        with pytest.raises((ClientError, ConnectionClosedError, HTTPClientError)):
            s3.upload_part(**upload, PartNumber=1, Body=b"1")
    assert sandbox.uploads(BUCKET)[0].part_count == part_count
    s3.upload_part(**upload, PartNumber=1, Body=b"1")
