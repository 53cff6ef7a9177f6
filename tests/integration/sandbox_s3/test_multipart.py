"""Multipart uploads at the sandbox's S3."""

from __future__ import annotations

import base64
import hashlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.sandbox_s3.clients import BUCKET, code_of, connect, sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox import Sandbox
    from tests.integration.sandbox_s3.clients import Client

MIB = 1024**2
PARTS = [bytes([number]) * (5 * MIB + number) for number in (1, 2)] + [b"the end"]
WHAT = {"Bucket": BUCKET, "Key": "uploads/large.jpg"}


def begin(s3: Client, bodies: Sequence[bytes] = PARTS, **options: object) -> tuple[str, list[dict[str, Any]]]:
    """Begin an upload with SHA-256 and send these parts; returns its id and the parts as a completion names them."""
    upload_id = s3.create_multipart_upload(**WHAT, ChecksumAlgorithm="SHA256", **options)["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        sent = {"PartNumber": number, "ChecksumSHA256": sha256_of(body)}
        made = s3.upload_part(**WHAT, UploadId=upload_id, Body=body, **sent)
        parts.append({**sent, "ETag": made["ETag"]})
    return upload_id, parts


def complete(s3: Client, upload_id: str, parts: Sequence[dict[str, Any]], **options: Any) -> dict[str, Any]:  # noqa: ANN401 - boto3's
    """Complete an upload."""
    made: dict[str, Any] = s3.complete_multipart_upload(
        **WHAT, UploadId=upload_id, MultipartUpload={"Parts": list(parts)}, **options
    )
    return made


def composite_of(bodies: Sequence[bytes]) -> str:
    """Return the checksum of the parts' checksums."""
    joined = b"".join(hashlib.sha256(body).digest() for body in bodies)
    return base64.b64encode(hashlib.sha256(joined).digest()).decode() + f"-{len(bodies)}"


def test_parts_become_an_object(sandbox: Sandbox, s3: Client) -> None:
    """The object is the parts in order, its checksum the composite, and attributes are those of the beginning."""
    upload_id, parts = begin(s3, Metadata={"vawsum-sha256": "ab"}, ContentType="image/jpeg", CacheControl="no-cache")
    assert [(one.key, one.part_count) for one in sandbox.uploads(BUCKET)] == [(WHAT["Key"], 3)]
    made = complete(s3, upload_id, parts, IfNoneMatch="*", MpuObjectSize=sum(map(len, PARTS)))
    assert made["ChecksumSHA256"] == composite_of(PARTS)
    md5s = b"".join(hashlib.md5(body).digest() for body in PARTS)  # noqa: S324 - S3's tag
    assert made["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-3"'  # noqa: S324 - S3's tag
    whole = b"".join(PARTS)
    assert s3.get_object(**WHAT)["Body"].read() == whole
    head = s3.head_object(**WHAT, ChecksumMode="ENABLED")
    assert (head["ChecksumSHA256"], head["ChecksumType"]) == (composite_of(PARTS), "COMPOSITE")
    assert (head["Metadata"], head["ContentType"], head["CacheControl"]) == (
        {"vawsum-sha256": "ab"},
        "image/jpeg",
        "no-cache",
    )
    (stored,) = sandbox.objects(BUCKET)
    assert (stored.sha256, stored.part_count) == (hashlib.sha256(whole).hexdigest(), 3)
    across = s3.get_object(**WHAT, Range=f"bytes={5 * MIB - 1}-{5 * MIB + 3}")["Body"].read()
    assert across == whole[5 * MIB - 1 : 5 * MIB + 4]
    assert sandbox.uploads(BUCKET) == []
    assert sandbox.violations() == []


@pytest.mark.parametrize("tls", [False, True])
def test_boto3_uploads_large_files_itself(sandbox: Sandbox, *, tls: bool) -> None:
    """boto3's own transfer, with its default checksums and several parts at once, is understood."""
    body = b"".join(PARTS)
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=3)
    connect(sandbox, tls=tls).upload_fileobj(BytesIO(body), BUCKET, WHAT["Key"], Config=config)
    assert sandbox.object_bytes(BUCKET, WHAT["Key"]) == body
    assert sandbox.objects(BUCKET)[0].part_count == 3
    assert sandbox.violations() == []


def test_completions_are_strict(sandbox: Sandbox, s3: Client) -> None:
    """Small parts, wrong tags, wrong order, missing or wrong checksums and sizes: nothing of it makes an object."""
    upload_id, parts = begin(s3, [b"too small", *PARTS[1:]])

    def refused(wrong: Sequence[dict[str, Any]], **options: Any) -> str:  # noqa: ANN401 - boto3's
        with pytest.raises(ClientError) as caught:
            complete(s3, upload_id, wrong, **options)
        return code_of(caught)[0]

    assert refused(parts) == "EntityTooSmall"
    assert refused(parts[:0:-1]) == "InvalidPartOrder"
    assert refused([*parts[1:], {**parts[0], "PartNumber": 9}]) == "InvalidPart"
    assert refused([parts[1], {**parts[2], "ETag": parts[1]["ETag"]}]) == "InvalidPart"
    assert refused([parts[1], {**parts[2], "ChecksumSHA256": parts[1]["ChecksumSHA256"]}]) == "InvalidPart"
    assert refused([{key: part[key] for key in ("PartNumber", "ETag")} for part in parts[1:]]) == "InvalidRequest"
    assert refused(parts[1:], ChecksumSHA256=sha256_of(b"other")) == "BadDigest"
    assert refused(parts[1:], MpuObjectSize=1) == "InvalidRequest"
    assert refused([]) == "MalformedXML"
    assert sandbox.objects(BUCKET) == []
    assert len(sandbox.violations()) == 9
    complete(s3, upload_id, parts[1:], ChecksumSHA256=composite_of(PARTS[1:]))
    assert sandbox.object_bytes(BUCKET, WHAT["Key"]) == b"".join(PARTS[1:])
    assert refused(parts[1:]) == "NoSuchUpload"


def test_parts_are_strict(sandbox: Sandbox, s3: Client) -> None:
    """Numbers from 1 to 10,000, the checksum that was announced, and an upload that is under way."""
    upload_id, _ = begin(s3, [b"1"])

    def refused(**options: Any) -> str:  # noqa: ANN401 - boto3's
        with pytest.raises(ClientError) as caught:
            s3.upload_part(**{**WHAT, "UploadId": upload_id, "PartNumber": 2, "Body": b"x", **options})
        return code_of(caught)[0]

    assert refused(PartNumber=0) == refused(PartNumber=10_001) == "InvalidArgument"
    assert refused(ChecksumAlgorithm="CRC32") == "InvalidRequest"
    assert refused(ChecksumSHA256=sha256_of(b"other")) == "BadDigest"
    assert refused(UploadId="other", ChecksumAlgorithm="SHA256") == "NoSuchUpload"
    s3.abort_multipart_upload(**WHAT, UploadId=upload_id)
    assert refused(ChecksumAlgorithm="SHA256") == "NoSuchUpload"
    assert sandbox.uploads(BUCKET) == []
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.abort_multipart_upload(**WHAT, UploadId=upload_id)


def test_completions_can_be_conditional(sandbox: Sandbox, s3: Client) -> None:
    """A condition that does not hold makes no object and leaves the upload to be aborted."""
    s3.put_object(**WHAT, Body=b"theirs")
    upload_id, parts = begin(s3, PARTS[2:])
    with pytest.raises(ClientError) as caught:
        complete(s3, upload_id, parts, IfNoneMatch="*")
    assert code_of(caught) == ("PreconditionFailed", 412)
    assert sandbox.object_bytes(BUCKET, WHAT["Key"]) == b"theirs"
    assert [one.upload_id for one in sandbox.uploads(BUCKET)] == [upload_id]
    complete(s3, upload_id, parts, IfMatch=s3.head_object(**WHAT)["ETag"])
    assert sandbox.object_bytes(BUCKET, WHAT["Key"]) == PARTS[2]


def test_uploads_and_parts_are_listed_in_pages(s3: Client) -> None:
    """Everything under way is listed once, by key; parts by number, with their checksums."""
    upload_id, parts = begin(s3, [b"1", b"2", b"3"])
    keys = sorted([WHAT["Key"], *(f"uploads/ü {number}" for number in range(4))])
    for key in keys[1:]:
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    s3.create_multipart_upload(Bucket=BUCKET, Key="other")
    pages = s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=BUCKET, Prefix="uploads/", PaginationConfig={"PageSize": 2}
    )
    assert [row["Key"] for page in pages for row in page["Uploads"]] == keys
    listed = s3.get_paginator("list_parts").paginate(**WHAT, UploadId=upload_id, PaginationConfig={"PageSize": 2})
    rows = [{key: row[key] for key in parts[0]} for page in listed for row in page["Parts"]]
    assert rows == parts


def test_keys_and_policies_hold_for_parts(sandbox: Sandbox, s3: Client) -> None:
    """With a KMS key, beginning takes GenerateDataKey and all that follows Decrypt; the tag is no MD5."""
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KMS_KEY_ARN}
    objects = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    keys = {"Effect": "Allow", "Action": ["kms:GenerateDataKey"], "Resource": KMS_KEY_ARN}
    sandbox.enforce({"Statement": [objects, keys]})
    with pytest.raises(ClientError, match="kms:Decrypt"):
        begin(s3, PARTS[2:], **kms)
    (pending,) = sandbox.uploads(BUCKET)
    with pytest.raises(ClientError, match="s3:AbortMultipartUpload"):
        s3.abort_multipart_upload(**WHAT, UploadId=pending.upload_id)
    keys["Action"] = ["kms:GenerateDataKey", "kms:Decrypt"]
    sandbox.enforce({"Statement": [objects, keys]})
    made = complete(s3, *begin(s3, PARTS[2:], **kms))
    md5 = hashlib.md5(hashlib.md5(PARTS[2]).digest()).hexdigest()  # noqa: S324 - S3's tag
    assert made["ETag"] != f'"{md5}-1"'
    assert (made["SSEKMSKeyId"], sandbox.objects(BUCKET)[0].kms_key_id) == (KMS_KEY_ARN, KMS_KEY_ARN)
