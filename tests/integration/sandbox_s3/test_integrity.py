"""What the sandbox's S3 refuses because it is not what it promises to be."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.sandbox_s3.clients import BUCKET, code_of, connect, send, sha256_of

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.sandbox_s3.clients import Client

ODD_KEY = "uploads/a b/ü+~%41(1)'*!&=@:;,$ 🪵.jpg"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ChecksumSHA256": sha256_of(b"other")}, "BadDigest"),
        ({"ChecksumSHA256": "bm90IGl0"}, "InvalidRequest"),
        ({"ContentMD5": base64.b64encode(bytes(16)).decode()}, "BadDigest"),
        ({"ContentMD5": "bm90IGl0"}, "InvalidDigest"),
        ({"Key": "k" * 1025}, "KeyTooLongError"),
        ({"Metadata": {"a": "x" * 2048}}, "MetadataTooLarge"),
        ({"ACL": "public-read"}, "AccessControlListNotSupported"),
        ({"IfNoneMatch": '"abc"'}, "NotImplemented"),
        ({"ServerSideEncryption": "aws:fsx"}, "InvalidEncryptionAlgorithmError"),
    ],
)
def test_wrong_puts_are_violations(sandbox: Sandbox, s3: Client, wrong: dict[str, Any], code: str) -> None:
    """What S3 refuses is refused with its code, stored nowhere and noted."""
    with pytest.raises(ClientError) as caught:
        s3.put_object(**{"Bucket": BUCKET, "Key": "k", "Body": b"abc", **wrong})
    assert code_of(caught)[0] == code
    assert sandbox.objects(BUCKET) == []
    assert [row["code"] for row in sandbox.violations()] == [code]


def test_framing_is_checked(sandbox: Sandbox) -> None:
    """No length, a wrong digest of the payload, an unsigned header, chunks that break off: each has its code."""
    digest, other = hashlib.sha256(b"abc").hexdigest(), hashlib.sha256(b"other").hexdigest()
    assert send(sandbox, "PUT", {"content-length": "3", "x-amz-content-sha256": digest}, b"abc") == (200, "")
    assert send(sandbox, "PUT", {"x-amz-content-sha256": digest}, b"") == (411, "MissingContentLength")
    wrong = {"content-length": "3", "x-amz-content-sha256": other}
    assert send(sandbox, "PUT", wrong, b"abc") == (400, "XAmzContentSHA256Mismatch")
    assert send(sandbox, "PUT", {"content-length": "3"}, b"abc") == (400, "InvalidRequest")
    streaming = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": "3",
        "x-amz-trailer": "x-amz-checksum-sha256",
        "content-encoding": "aws-chunked",
    }

    def stream(body: bytes) -> tuple[int, str]:
        return send(sandbox, "PUT", {**streaming, "content-length": str(len(body))}, body)

    trailer = b"x-amz-checksum-sha256:%s\r\n\r\n" % sha256_of(b"abc").encode()
    assert stream(b"2\r\nab\r\n1\r\nc\r\n0\r\n" + trailer) == (200, "")
    assert stream(b"2\r\nab\r\n1\r\nd\r\n0\r\n" + trailer) == (400, "BadDigest")
    assert stream(b"2\r\nab\r\n0\r\n" + trailer) == (400, "IncompleteBody")
    assert stream(b"3\r\nabc\r\n0\r\n\r\n") == (400, "MalformedTrailerError")
    assert [stored.version_count for stored in sandbox.objects(BUCKET)] == [2]


def test_signatures_are_computed(sandbox: Sandbox, s3: Client) -> None:
    """The wrong secret is refused, and so is a clock that is off by more than a quarter of an hour."""
    with pytest.raises(ClientError) as caught:
        connect(sandbox, secret="wrong").put_object(Bucket=BUCKET, Key=ODD_KEY, Body=b"x")
    assert code_of(caught) == ("SignatureDoesNotMatch", 403)
    sandbox.settings(clock_offset_s=1000)
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    assert code_of(caught) == ("RequestTimeTooSkewed", 403)
