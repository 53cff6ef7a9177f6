"""Faults on demand at the sandbox's S3, by operation, bucket and key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from tests.integration.sandbox_s3.clients import BUCKET, code_of, connect, send

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.sandbox_s3.clients import Client

BODY = bytes(range(256)) * 4000


@pytest.mark.parametrize(
    ("kind", "code", "status", "is_stored"),
    [
        ("throttle", "SlowDown", 503, False),
        ("unavailable", "ServiceUnavailable", 503, False),
        ("failure", "InternalError", 500, False),
        ("failure_after", "InternalError", 500, True),
        ("deny", "AccessDenied", 403, False),
        ("conflict", "ConditionalRequestConflict", 409, False),
    ],
)
def test_refusals_on_demand(
    sandbox: Sandbox, s3: Client, *, kind: str, code: str, status: int, is_stored: bool
) -> None:
    """Each kind answers in S3's words for the keys it names, and stores, or doesn't, as it says; then all is well."""
    sandbox.fault(kind, operation="s3:PutObject", group=f"{BUCKET}/uploads/*", count=1)
    s3.put_object(Bucket=BUCKET, Key="other", Body=BODY, IfNoneMatch="*")
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=BUCKET, Key="uploads/a", Body=BODY, IfNoneMatch="*")
    assert code_of(caught) == (code, status)
    assert len(sandbox.objects(BUCKET, "uploads/")) == is_stored
    s3.put_object(Bucket=BUCKET, Key="uploads/b", Body=BODY, IfNoneMatch="*")
    assert sandbox.requests()["operations"]["PutObject"] == {code: 1, "ok": 2}
    assert sandbox.violations() == []


@pytest.mark.parametrize(("kind", "is_stored"), [("reset", False), ("drop", False), ("reset_after", True)])
def test_connections_break_before_or_after_accepting(
    sandbox: Sandbox, s3: Client, *, kind: str, is_stored: bool
) -> None:
    """To the client all look alike; only the books, or a HEAD, tell whether the object was accepted."""
    sandbox.fault(kind, operation="s3:PutObject", group=f"{BUCKET}/k", count=1)
    s3.put_object(Bucket=BUCKET, Key="other", Body=b"x")
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        s3.put_object(Bucket=BUCKET, Key="k", Body=BODY)
    assert len(sandbox.objects(BUCKET, "k")) == is_stored
    assert sandbox.requests()["operations"]["PutObject"] == {kind: 1, "ok": 1}


def test_answers_are_late_or_never_come(sandbox: Sandbox, s3: Client) -> None:
    """Latency is waited for, a hang is given up on, and a narrow line takes its time."""
    begun = time.monotonic()
    sandbox.fault("latency", operation="s3:PutObject", latency_s=0.3, count=1)
    s3.put_object(Bucket=BUCKET, Key="late", Body=b"x")
    sandbox.fault("bandwidth", operation="s3:PutObject", bytes_per_s=len(BODY) * 2, count=1)
    s3.put_object(Bucket=BUCKET, Key="slow", Body=BODY)
    assert time.monotonic() - begun > 0.8
    begun = time.monotonic()
    sandbox.fault("bandwidth", operation="s3:GetObject", bytes_per_s=len(BODY) * 2, count=1)
    assert s3.get_object(Bucket=BUCKET, Key="slow")["Body"].read() == BODY
    assert time.monotonic() - begun > 0.4
    sandbox.fault("hang", operation="s3:PutObject", count=1)
    with pytest.raises((ReadTimeoutError, HTTPClientError)):
        connect(sandbox, read_timeout_s=0.5).put_object(Bucket=BUCKET, Key="stuck", Body=b"x")
    assert [one.key for one in sandbox.objects(BUCKET)] == ["late", "slow"]
    assert sandbox.object_bytes(BUCKET, "slow") == BODY


def test_downloads_break_off(sandbox: Sandbox, s3: Client) -> None:
    """Half of the body comes, then the connection breaks: the client sees that it is not all."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=BODY)
    sandbox.fault("cut", operation="s3:GetObject", count=1)
    with pytest.raises((IncompleteReadError, ResponseStreamingError, ConnectionResetError)):
        s3.get_object(Bucket=BUCKET, Key="k")["Body"].read()
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == BODY
    assert sandbox.requests()["operations"]["GetObject"] == {"cut": 1, "ok": 1}


def test_completions_fail_inside_a_200(sandbox: Sandbox, s3: Client) -> None:
    """S3 says 200 before it knows how a completion ends; the error is in the body, and the upload is still there."""
    what = {"Bucket": BUCKET, "Key": "k"}
    upload_id = s3.create_multipart_upload(**what)["UploadId"]
    part = s3.upload_part(**what, UploadId=upload_id, PartNumber=1, Body=b"x")
    parts = [{name: part[name] for name in ("ETag", "ChecksumCRC32")} | {"PartNumber": 1}]
    sandbox.fault("failure", operation="CompleteMultipartUpload", count=2)
    fields = {"content-length": "0", "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    raw = send(sandbox, "POST", fields, b"", f"/{BUCKET}/k?uploadId={upload_id}")
    assert raw == (200, "InternalError")
    with pytest.raises(ClientError, match="InternalError"):
        s3.complete_multipart_upload(**what, UploadId=upload_id, MultipartUpload={"Parts": parts})
    assert sandbox.objects(BUCKET) == []
    s3.complete_multipart_upload(**what, UploadId=upload_id, MultipartUpload={"Parts": parts})
    assert sandbox.object_bytes(BUCKET, "k") == b"x"


def test_outages_end(sandbox: Sandbox, s3: Client) -> None:
    """Refused connections, then all that was stored before is still there."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    sandbox.outage(60)
    with pytest.raises((EndpointConnectionError, ConnectionClosedError, HTTPClientError)):
        s3.head_object(Bucket=BUCKET, Key="k")
    sandbox.calm()
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"x"
