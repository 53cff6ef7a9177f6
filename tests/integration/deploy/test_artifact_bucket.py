"""The folder of releases on the sandbox's S3: what is stored, read and told, and what failures leave behind."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.integration.deploy.publish_fixtures import ARTIFACTS, BUCKET, PREFIX, bucket, bucket_for, sandbox, shared
from vawsum_agent.aws.artifact_bucket import ObjectExists
from vawsum_agent.core.errors import NotFound, Rejected, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from vawsum_agent.aws.artifact_bucket import ArtifactBucket

__all__ = ["bucket", "sandbox", "shared"]

MIB = 1 << 20
NAME = "20261129T101500Z-4f2a91c00112.tar.zst"


def test_what_is_there_stays_but_for_one_that_was_named(sandbox: Sandbox, bucket: ArtifactBucket) -> None:
    """A new object takes nothing's place; another one only that of the one whose ETag is given."""
    etag = bucket.put_new("CURRENT.json", b"{}", "application/json")
    with pytest.raises(ObjectExists):
        bucket.put_new("CURRENT.json", b"[]", "application/json")
    with pytest.raises(ObjectExists):
        bucket.put_over("CURRENT.json", b"[]", "application/json", '"0123456789abcdef0123456789abcdef"')
    bucket.put_over("CURRENT.json", b"null", "application/json", etag)
    (stored,) = sandbox.objects(BUCKET)
    assert (stored.key, stored.content_type) == (f"{PREFIX}CURRENT.json", "application/json")
    assert stored.sha256 == hashlib.sha256(b"null").hexdigest()
    assert bucket.location("CURRENT.json") == f"{ARTIFACTS}CURRENT.json"


def test_small_objects_are_read_whole_or_not_at_all(bucket: ArtifactBucket) -> None:
    """One that is not there is nothing; one that is too large is none of ours."""
    assert bucket.read("CURRENT.json", 100) is None
    etag = bucket.put_new("CURRENT.json", b"{}", "application/json")
    read = bucket.read("CURRENT.json", 2)
    assert read is not None
    assert (read.body, read.etag) == (b"{}", etag)
    with pytest.raises(Rejected, match="at most 1"):
        bucket.read("CURRENT.json", 1)


def test_parts_become_one_object_with_its_digest(bucket: ArtifactBucket) -> None:
    """What was sent in parts is told by size, by both checksums, and read from any offset of exactly that version."""
    body = os.urandom(6 * MIB)
    assert bucket.head(NAME) is None
    upload = bucket.begin_upload(NAME, "application/zstd", hashlib.sha256(body).digest())
    upload.send_part(2, body[5 * MIB :])
    upload.send_part(1, body[: 5 * MIB])
    etag = upload.complete()
    head = bucket.head(NAME)
    assert head is not None
    assert (head.size_bytes, head.etag, head.sha256) == (len(body), etag, hashlib.sha256(body).hexdigest())
    assert head.checksum.endswith("-2")
    assert b"".join(bucket.blocks(NAME)) == body
    assert b"".join(bucket.blocks(NAME, offset=3 * MIB, if_match=etag)) == body[3 * MIB :]
    with pytest.raises(ObjectExists):
        list(bucket.blocks(NAME, if_match='"0123456789abcdef0123456789abcdef"'))
    with pytest.raises(Rejected):
        list(bucket.blocks(NAME, offset=len(body)))
    with pytest.raises(NotFound):
        list(bucket.blocks("none"))


def test_a_broken_download_says_so_and_can_be_gone_on_with(sandbox: Sandbox, bucket: ArtifactBucket) -> None:
    """What came before the connection broke is right; the rest is had by asking for it."""
    body = os.urandom(4 * MIB)
    etag = bucket.put_new(NAME, body, "application/zstd")
    sandbox.fault("cut", operation="s3:GetObject", count=2)
    got = bytearray()
    breaks = 0
    while len(got) < len(body):
        try:
            for block in bucket.blocks(NAME, offset=len(got), if_match=etag):
                got += block
        except Unavailable:
            breaks += 1
    assert (bytes(got), breaks) == (body, 2)


def test_only_the_folder_itself_is_listed(sandbox: Sandbox, bucket: ArtifactBucket, tmp_path: Path) -> None:
    """Names, sizes and times of what lies in it; nothing of its neighbours, nor of folders below."""
    for name in ("b", "a1", "a2", "below/a3"):
        bucket.put_new(name, name.encode(), "text/plain")
    sandbox.put_object(BUCKET, "vawsum-web-2/a4", b"x")
    assert [(row.name, row.size_bytes) for row in bucket.listing()] == [("a1", 2), ("a2", 2), ("b", 1)]
    assert [row.name for row in bucket.listing("a")] == ["a1", "a2"]
    whole = bucket_for(sandbox, tmp_path, f"s3://{BUCKET}/")
    assert whole.location("x") == f"s3://{BUCKET}/x"
    assert list(whole.listing()) == []
    assert [row.name for row in bucket_for(sandbox, tmp_path, f"s3://{BUCKET}/vawsum-web-2/").listing()] == ["a4"]
    with pytest.raises(NotFound, match="no-such-bucket"):
        list(bucket_for(sandbox, tmp_path, "s3://no-such-bucket/").listing())
