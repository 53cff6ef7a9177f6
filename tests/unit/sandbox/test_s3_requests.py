"""What a request to the sandbox's S3 names, asks for and carries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.access import accesses
from sandbox.aws.s3.attributes import read_attributes
from sandbox.aws.s3.conditions import read_range
from sandbox.aws.s3.target import check_target, read_target
from sandbox.aws.wire import Head


def head(start: str, **fields: str) -> Head:
    """Return a request's head; underscores in names stand for dashes."""
    return Head(f"{start} HTTP/1.1", tuple((name.replace("_", "-"), value) for name, value in fields.items()))


@pytest.mark.parametrize(
    ("start", "host", "wanted"),
    [
        ("GET /", "127.0.0.1:1", ("ListBuckets", "", "")),
        ("PUT /b", "127.0.0.1:1", ("CreateBucket", "b", "")),
        ("GET /b?list-type=2&prefix=a%2F", "s3.ap-south-1.amazonaws.com", ("ListObjectsV2", "b", "")),
        ("PUT /b/k%2Fa%20b?x-id=PutObject", "127.0.0.1:1", ("PutObject", "b", "k/a b")),
        ("PUT /b//k", "127.0.0.1:1", ("PutObject", "b", "/k")),
        ("PUT /k/l", "b.c.s3.ap-south-1.amazonaws.com", ("PutObject", "b.c", "k/l")),
        ("GET /?uploads", "b.localhost:80", ("ListMultipartUploads", "b", "")),
        ("PUT /b/k?partNumber=1&uploadId=u", "127.0.0.1:1", ("UploadPart", "b", "k")),
        ("POST /b/k?uploads", "127.0.0.1:1", ("CreateMultipartUpload", "b", "k")),
        ("GET /b/k?acl", "127.0.0.1:1", ("Unknown", "b", "k")),
        ("PATCH /b/k", "127.0.0.1:1", ("Unknown", "b", "k")),
    ],
)
def test_requests_name_an_operation_a_bucket_and_a_key(start: str, host: str, wanted: tuple[str, str, str]) -> None:
    """By path or by host; what is not carried out is no other operation by mistake."""
    target = read_target(head(start, Host=host))
    assert (target.operation, target.bucket, target.key) == wanted


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("GET /b/k?acl", "NotImplemented"),
        (f"PUT /b/{'%C3%BC' * 513}", "KeyTooLongError"),
        ("PUT /b/%FF", "InvalidURI"),
        ("PUT /b/a%00", "InvalidArgument"),
    ],
)
def test_bad_targets_are_refused(start: str, code: str) -> None:
    """Keys are counted in bytes, must be UTF-8, and what they are called can be written down all the same."""
    target = read_target(head(start))
    with pytest.raises(ServiceError) as caught:
        check_target(target, start)
    assert caught.value.code == code
    assert target.place.encode()


@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_ranges_are_within_the_object(size: int, first: int, last: int) -> None:
    """A range that can be read gives the bytes that slicing gives; one that begins behind the end is refused."""
    body = bytes(range(size))
    if first >= size:
        if last >= first:
            with pytest.raises(ServiceError, match="InvalidRange"):
                read_range(f"bytes={first}-{last}", size)
        return
    found = read_range(f"bytes={first}-{last}", size)
    assert (found is None) == (last < first)
    if found:
        assert body[found[0] : found[1] + 1] == body[first : last + 1]
    assert read_range(f"bytes={first}-", size) == (first, size - 1)


@pytest.mark.parametrize("text", ["", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2"])
def test_ranges_that_cannot_be_read_are_the_whole(text: str) -> None:
    """As if nothing had been said."""
    assert read_range(text, 10) is None


def test_permissions_follow_what_is_asked() -> None:
    """Tags, comparing and versions take permissions of their own."""

    def actions(start: str, **fields: str) -> list[str]:
        request = head(start, **fields)
        return [access.action.removeprefix("s3:") for access in accesses(read_target(request), request)]

    assert actions("PUT /b/k") == ["PutObject"]
    assert actions("PUT /b/k", x_amz_tagging="a=b") == ["PutObject", "PutObjectTagging"]
    assert actions("PUT /b/k", If_Match='"a"') == ["PutObject", "GetObject"]
    assert actions("PUT /b/k", If_None_Match="*") == ["PutObject"]
    assert actions("GET /b/k?versionId=1") == ["GetObjectVersion"]
    assert actions("GET /b/k?tagging&versionId=1") == ["GetObjectVersionTagging"]
    assert actions("GET /b/k?uploadId=u") == ["ListMultipartUploadParts"]


def test_the_framing_is_no_encoding_of_the_object() -> None:
    """aws-chunked is the request's; what else a body is encoded with is kept."""
    attributes = read_attributes(head("PUT /b/k", Content_Encoding="aws-chunked, gzip", x_amz_meta_A="b"))
    assert (attributes.fields, attributes.metadata) == ((("Content-Encoding", "gzip"),), {"a": "b"})
    assert read_attributes(head("PUT /b/k", Content_Encoding="aws-chunked")).fields == ()
