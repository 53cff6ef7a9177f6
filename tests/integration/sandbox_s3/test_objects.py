"""The sandbox keeps objects as S3 does, for boto3 and for browsers."""

from __future__ import annotations

import hashlib
import http.client
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.integration.sandbox_s3.clients import BUCKET, code_of, connect, sha256_of

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.sandbox_s3.clients import Client

ODD_KEY = "uploads/a b/ü+~%41(1)'*!&=@:;,$ 🪵.jpg"
BODY = bytes(range(256)) * 400


@pytest.mark.parametrize("tls", [False, True])
def test_objects_are_kept_as_sent(sandbox: Sandbox, *, tls: bool) -> None:
    """Body, type, cache control and metadata come back as they went in, whatever the key holds; the books agree.

    Without TLS the body is signed; with it, boto3 sends it in chunks with the checksum behind.
    """
    s3 = connect(sandbox, tls=tls)
    what = {"ContentType": "image/jpeg", "CacheControl": "public, max-age=86400", "Metadata": {"vawsum-sha256": "ab"}}
    made = s3.put_object(Bucket=BUCKET, Key=ODD_KEY, Body=BODY, ChecksumAlgorithm="SHA256", **what)
    assert made["ChecksumSHA256"] == sha256_of(BODY)
    assert made["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'  # noqa: S324 - S3's tag
    found = s3.get_object(Bucket=BUCKET, Key=ODD_KEY)
    assert found["Body"].read() == BODY
    assert {name: found[name] for name in what} == what
    assert found["VersionId"] == made["VersionId"]
    (stored,) = sandbox.objects(BUCKET)
    assert (stored.key, stored.size_bytes, stored.sha256) == (ODD_KEY, len(BODY), hashlib.sha256(BODY).hexdigest())
    assert (stored.content_type, stored.cache_control, stored.metadata) == tuple(what.values())
    assert (stored.content_encoding, stored.checksums) == ("", {"sha256": sha256_of(BODY)})
    assert sandbox.object_bytes(BUCKET, ODD_KEY) == BODY
    assert sandbox.requests()["operations"]["PutObject"] == {"ok": 1}
    assert sandbox.violations() == []


def test_heads_tell_of_checksums_when_asked(s3: Client) -> None:
    """A HEAD has size and metadata, and the checksum only in checksum mode."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"abc", ChecksumAlgorithm="SHA256", Metadata={"a": "b"})
    plain, asked = (
        s3.head_object(Bucket=BUCKET, Key="k"),
        s3.head_object(Bucket=BUCKET, Key="k", ChecksumMode="ENABLED"),
    )
    assert (plain["ContentLength"], plain["Metadata"]) == (3, {"a": "b"})
    assert "ChecksumSHA256" not in plain
    assert (asked["ChecksumSHA256"], asked["ChecksumType"]) == (sha256_of(b"abc"), "FULL_OBJECT")


def test_parts_of_an_object_can_be_read(s3: Client) -> None:
    """Ranges are answered with 206, those outside of the object with 416."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789")
    for text, wanted in {"bytes=2-4": b"234", "bytes=7-": b"789", "bytes=-2": b"89", "bytes=8-99": b"89"}.items():
        found = s3.get_object(Bucket=BUCKET, Key="k", Range=text)
        assert (found["Body"].read(), found["ResponseMetadata"]["HTTPStatusCode"]) == (wanted, 206)
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=BUCKET, Key="k", Range="bytes=10-")
    assert code_of(caught) == ("InvalidRange", 416)


def test_versions_come_in_pages(s3: Client) -> None:
    """All versions and markers come once, each key's newest first and told to be the latest, odd names included."""
    made = [(key, s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")["VersionId"]) for key in ("a", "b ü", "a", "c", "a")]
    gone = s3.delete_object(Bucket=BUCKET, Key="b ü")["VersionId"]
    pages = s3.get_paginator("list_object_versions")
    rows, markers = [], []
    for page in pages.paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 2}):
        rows += [(row["Key"], row["VersionId"], row["IsLatest"]) for row in page.get("Versions", [])]
        markers += [(row["Key"], row["VersionId"], row["IsLatest"]) for row in page.get("DeleteMarkers", [])]
    assert [row[:2] for row in rows] == [made[at] for at in (4, 2, 0, 1, 3)]
    assert [row[2] for row in rows] == [True, False, False, False, True]
    assert markers == [("b ü", gone, True)]


def test_lists_come_in_pages(s3: Client) -> None:
    """All keys come once, in the order of their bytes, odd ones included; folders can stand for what is in them."""
    keys = sorted([*(f"a/{number}" for number in range(7)), "b", "c/ü +&<>", "c/d/e", "z\x01"], key=str.encode)
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2")
    rows = [row["Key"] for page in pages.paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 3})
            for row in page.get("Contents", [])]  # fmt: skip
    assert rows == keys
    folders = [row["Prefix"] for page in pages.paginate(Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": 1})
               for row in page.get("CommonPrefixes", [])]  # fmt: skip
    assert folders == ["a/", "c/"]
    with pytest.raises(ClientError) as caught:
        s3.list_objects_v2(Bucket="no-such-bucket")
    assert code_of(caught) == ("NoSuchBucket", 404)


def test_deleting_leaves_versions(sandbox: Sandbox, s3: Client) -> None:
    """A deleted object is missing and its versions are not; without versioning nothing stays."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"1")
    s3.delete_object(Bucket=BUCKET, Key="k")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket=BUCKET, Key="k")
    assert [one.is_deleted for one in sandbox.versions(BUCKET)] == [False, True]
    assert sandbox.objects(BUCKET) == []
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"2", IfNoneMatch="*")
    sandbox.create_bucket("plain", is_versioned=False)
    assert "VersionId" not in s3.put_object(Bucket="plain", Key="k", Body=b"1")
    s3.put_object(Bucket="plain", Key="k", Body=b"2")
    assert [one.version_count for one in sandbox.objects("plain")] == [1]
    s3.delete_object(Bucket="plain", Key="k")
    assert sandbox.versions("plain") == []


def test_tags_and_lifecycle_come_back(sandbox: Sandbox, s3: Client) -> None:
    """Tags are put with an object or later; a bucket tells its location, versioning and lifecycle."""
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"1", Tagging="a=b")
    assert s3.get_object(Bucket=BUCKET, Key="k")["TagCount"] == 1
    tags = [{"Key": "vawsum-expire", "Value": "true"}]
    s3.put_object_tagging(Bucket=BUCKET, Key="k", Tagging={"TagSet": tags})
    assert s3.get_object_tagging(Bucket=BUCKET, Key="k")["TagSet"] == tags
    assert sandbox.objects(BUCKET)[0].tags == {"vawsum-expire": "true"}
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)
    rule = {"ID": "a", "Status": "Enabled", "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"] == [rule]
    assert s3.get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == "ap-south-1"
    assert s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"


def test_anybody_reads_by_the_public_address(sandbox: Sandbox, s3: Client) -> None:
    """Without credentials, with the object's headers, by range and condition, and through an outage of S3."""
    s3.put_object(Bucket=BUCKET, Key=ODD_KEY, Body=BODY, ContentType="image/jpeg", CacheControl="max-age=60")
    url = urlsplit(sandbox.public_url(BUCKET, ODD_KEY))
    connection = http.client.HTTPConnection(url.netloc, timeout=5)

    def ask(method: str, path: str, **fields: str) -> tuple[int, bytes, http.client.HTTPResponse]:
        connection.request(method, path, headers=fields)
        response = connection.getresponse()
        return response.status, response.read(), response

    sandbox.outage(60)
    status, body, response = ask("GET", f"{url.path}?v=1")
    assert (status, body) == (200, BODY)
    assert (response.headers["Content-Type"], response.headers["Cache-Control"]) == ("image/jpeg", "max-age=60")
    assert "x-amz-version-id" not in response.headers
    assert ask("GET", url.path, Range="bytes=0-1")[:2] == (206, BODY[:2])
    assert ask("GET", url.path, **{"If-None-Match": response.headers["ETag"]})[0] == 304
    assert ask("HEAD", url.path)[:2] == (200, b"")
    assert ask("GET", urlsplit(sandbox.public_url(BUCKET, "none")).path)[0] == 403
    assert ask("DELETE", url.path)[0] == 405
    connection.close()
    sandbox.calm()


def test_others_put_objects_behind_the_policies(sandbox: Sandbox, s3: Client) -> None:
    """Tests can play another host."""
    sandbox.put_object(BUCKET, "k", b"theirs", content_type="image/png", metadata={"vawsum-origin": "other"})
    found = s3.head_object(Bucket=BUCKET, Key="k")
    assert (found["ContentType"], found["Metadata"]) == ("image/png", {"vawsum-origin": "other"})
