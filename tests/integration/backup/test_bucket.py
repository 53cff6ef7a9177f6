"""The bucket of backups, on the sandbox's S3: what is stored, read and told, and what failures leave behind."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.backup.vaults import BUCKET, FOLDER, vault_for
from vawsum_agent.aws.backup_bucket import ObjectExists, checksum
from vawsum_agent.aws.object_errors import Conflict
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Rejected, Throttled, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket

MIB = 1 << 20
KEY = f"{FOLDER}dump.sql.zst"
JSON = "application/json"
RULES = """<LifecycleConfiguration><Rule><ID>expire</ID><Status>Enabled</Status>
<Filter><Tag><Key>vawsum-expire</Key><Value>true</Value></Tag></Filter><Expiration><Days>15</Days></Expiration></Rule>
</LifecycleConfiguration>"""


def test_small_objects_are_written_once_and_over_a_named_one(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Where something is, only its ETag lets it be replaced; checksum, type and key are S3's to tell."""
    etag = vault.put_new(KEY, b"one", JSON)
    with pytest.raises(ObjectExists):
        vault.put_new(KEY, b"two", JSON)
    with pytest.raises(ObjectExists):
        vault.put_over(KEY, b"two", JSON, '"0123456789abcdef0123456789abcdef"')
    vault.put_over(KEY, b"three", JSON, etag)
    (stored,) = sandbox.objects(BUCKET)
    assert (stored.content_type, stored.kms_key_id) == (JSON, KMS_KEY_ARN)
    assert stored.checksums == {"sha256": checksum(b"three")}
    assert stored.sha256 == hashlib.sha256(b"three").hexdigest()
    with pytest.raises(Conflict):
        vault.put_over(f"{KEY}.gone", b"two", JSON, etag)


def test_small_objects_are_read_with_the_clock_of_s3(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Body, ETag, when it was written and when it was read: both by S3's clock, however far ours is from it."""
    sandbox.settings(clock_offset_s=200)
    assert vault.read(KEY, 100) is None
    etag = vault.put_new(KEY, b"{}", JSON)
    time.sleep(1.1)
    read = vault.read(KEY, 100)
    assert read is not None
    assert (read.body, read.etag) == (b"{}", etag)
    assert 1 <= read.answered_at - read.modified_at < 60
    assert read.answered_at - time.time() > 150
    with pytest.raises(Rejected, match="at most 1"):
        vault.read(KEY, 1)


def test_ranges_are_read_exactly(vault: BackupBucket) -> None:
    """So many bytes from there on; of no other version, and none that are not there."""
    body = os.urandom(3 * MIB)
    etag = vault.put_new(KEY, body, "application/zstd")
    assert b"".join(vault.read_range(KEY, MIB, 2 * MIB, etag)) == body[MIB:]
    assert b"".join(vault.read_range(KEY, 5, 1)) == body[5:6]
    with pytest.raises(ObjectExists):
        list(vault.read_range(KEY, 0, 10, '"0123456789abcdef0123456789abcdef"'))
    for offset in (3 * MIB, 3 * MIB - 1):
        with pytest.raises(Rejected):
            list(vault.read_range(KEY, offset, 2))
    with pytest.raises(NotFound):
        list(vault.read_range(f"{KEY}.none", 0, 2))


def test_a_broken_download_says_so_and_can_be_gone_on_with(sandbox: Sandbox, vault: BackupBucket) -> None:
    """What came before the connection broke is right; the rest is had by asking for it."""
    body = os.urandom(4 * MIB)
    etag = vault.put_new(KEY, body, "application/zstd")
    sandbox.fault("cut", operation="s3:GetObject", count=2)
    got = bytearray()
    for _ in range(3):
        try:
            for block in vault.read_range(KEY, len(got), len(body) - len(got), etag):
                got += block
        except Unavailable:
            continue
    assert got == body


@pytest.mark.spoilt("a manifest that is none")
def test_objects_and_their_tags_are_told(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Size, checksum and times of one; all under a prefix; tags as they were set."""
    assert vault.head(KEY) is None
    etag = vault.put_new(KEY, b"one", JSON)
    vault.put_new(f"{FOLDER}manifest.json", b"{}", JSON)
    vault.put_new("elsewhere", b"x", JSON)
    head = vault.head(KEY)
    assert head is not None
    assert (head.size_bytes, head.etag, head.checksum) == (3, etag, checksum(b"one"))
    rows = list(vault.listing(FOLDER))
    assert [(row.key, row.size_bytes) for row in rows] == [(KEY, 3), (f"{FOLDER}manifest.json", 2)]
    assert rows[0].etag == etag
    assert abs(rows[0].modified_at - head.modified_at) < 2
    assert vault.tags(KEY) == {}
    vault.set_tags(KEY, {"vawsum-expire": "true", "a b": "ü"} | {"vawsum-expire": "true"})
    assert vault.tags(KEY) == {"vawsum-expire": "true", "a b": "ü"}
    assert dict(sandbox.objects(BUCKET, KEY)[0].tags) == vault.tags(KEY)
    vault.set_tags(KEY, {})
    assert vault.tags(KEY) == {}
    for ask in (vault.tags, lambda key: vault.set_tags(key, {})):
        with pytest.raises(NotFound):
            ask(f"{KEY}.none")


def test_what_the_bucket_does_by_itself_is_told(sandbox: Sandbox, vault: BackupBucket, tmp_path: Path) -> None:
    """No rule is no error; a rule is told as the API names its parts; a bucket without versions is told, too."""
    assert vault.lifecycle_rules() == []
    assert vault.is_versioned()
    sandbox.create_bucket("other-bucket", is_versioned=False, lifecycle=RULES)
    other = vault_for(sandbox, tmp_path, bucket="other-bucket")
    (rule,) = other.lifecycle_rules()
    assert (rule["Status"], rule["Expiration"]) == ("Enabled", {"Days": 15})
    assert rule["Filter"] == {"Tag": {"Key": "vawsum-expire", "Value": "true"}}
    assert not other.is_versioned()
    missing = vault_for(sandbox, tmp_path, bucket="no-such-bucket")
    for ask in (missing.lifecycle_rules, missing.is_versioned, lambda: missing.read("k", 1)):
        with pytest.raises(NotFound):
            ask()


def test_an_object_grows_in_parts(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Sent in any order, one of them twice; nothing is there before it is completed, and nothing is pending after."""
    parts = {number: bytearray(os.urandom(5 * MIB)) for number in (1, 2)} | {3: bytearray(b"end")}
    upload = vault.begin_upload(KEY, "application/zstd")
    assert [(one.key, one.upload_id) for one in vault.pending(FOLDER)] == [(KEY, upload.upload_id)]
    upload.send_part(2, os.urandom(5 * MIB))
    for number in (3, 2, 1):
        upload.send_part(number, parts[number])
    assert vault.head(KEY) is None
    etag = upload.complete()
    assert sandbox.object_bytes(BUCKET, KEY) == b"".join(parts.values())
    head = vault.head(KEY)
    assert head is not None
    assert head.etag == etag
    assert head.checksum.endswith("-3")
    assert (sandbox.objects(BUCKET)[0].kms_key_id, list(vault.pending(""))) == (KMS_KEY_ARN, [])
    assert upload.complete() == etag


@pytest.mark.parametrize("kind", ["reset_after", "failure_after"])
def test_a_lost_answer_to_the_completion_is_found_out(sandbox: Sandbox, vault: BackupBucket, kind: str) -> None:
    """The object is there with our size and checksum: that is the answer."""
    upload = vault.begin_upload(KEY, "application/zstd")
    upload.send_part(1, b"x")
    sandbox.fault(kind, operation="s3:CompleteMultipartUpload", count=1)
    etag = upload.complete()
    head = vault.head(KEY)
    assert head is not None
    assert head.etag == etag


def test_a_completion_that_was_not_done_can_be_repeated(sandbox: Sandbox, vault: BackupBucket) -> None:
    """An error inside a 200 leaves no object; what is at the key by another hand stays, and is no answer."""
    upload = vault.begin_upload(KEY, "application/zstd")
    upload.send_part(1, b"x")
    sandbox.fault("failure", operation="s3:CompleteMultipartUpload", count=1)
    with pytest.raises(Unavailable):
        upload.complete()
    sandbox.put_object(BUCKET, KEY, b"y")
    with pytest.raises(ObjectExists):
        upload.complete()
    assert sandbox.object_bytes(BUCKET, KEY) == b"y"


def test_an_aborted_upload_is_gone_for_all(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Aborting twice is fine; parts and completion are refused for good, and nothing is left."""
    upload = vault.begin_upload(KEY, "application/zstd")
    upload.send_part(1, b"x")
    for pending in vault.pending(FOLDER):
        vault.abort(pending)
        vault.abort(pending)
    with pytest.raises(NotFound):
        upload.send_part(2, b"x")
    with pytest.raises(NotFound):
        upload.complete()
    upload.abort()
    with pytest.raises(Unavailable):
        upload.send_part(2, b"x")
    assert sandbox.uploads(BUCKET) == []
    assert sandbox.objects(BUCKET) == []


@pytest.mark.parametrize(
    ("kind", "expected", "is_there"),
    [
        ("throttle", Throttled, False),
        ("failure", Unavailable, False),
        ("reset", Unavailable, False),
        ("deny", AccessDenied, False),
        ("conflict", Conflict, False),
        ("reset_after", Unavailable, True),
    ],
)
def test_failures_are_told_apart(
    sandbox: Sandbox, vault: BackupBucket, kind: str, expected: type[AwsError], *, is_there: bool
) -> None:
    """Once each: what was perhaps done is said to be; nothing is tried again by itself."""
    sandbox.fault(kind, operation="s3:PutObject")
    with pytest.raises(expected) as caught:
        vault.put_new(KEY, b"x", JSON)
    assert not isinstance(caught.value, Unavailable) or caught.value.maybe_done or kind == "conflict"
    assert (vault.head(KEY) is not None) == is_there
    assert sum(sandbox.requests()["operations"]["PutObject"].values()) == 1
