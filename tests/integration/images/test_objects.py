"""One bucket, on the sandbox's S3: what is stored, under which conditions, and what failures leave behind."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from sandbox.aws.account import KMS_KEY_ARN
from sandbox.servers.process import wait_until
from tests.integration.images.buckets import BUCKET, PREFIX, an_object, session_for, store_for
from vawsum_agent.aws.objects import Conflict, ContentChanged, ObjectExists, ObjectStore
from vawsum_agent.aws.objects_probe import ObjectsProbe
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Throttled, Unavailable
from vawsum_agent.images.upload.content import LARGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

MIB = 1 << 20
PART_BYTES = 5 * MIB
KEY = f"{PREFIX}2024/a.jpg"
DAY_S = 86_400.0


@pytest.fixture
def store(sandbox: Sandbox, tmp_path: Path) -> Iterator[ObjectStore]:
    """Make an empty bucket and a client of it; in the end no rule of S3 may have been broken."""
    sandbox.create_bucket(BUCKET)
    yield store_for(sandbox, tmp_path)
    assert sandbox.violations() == []


@pytest.fixture
def large(tmp_path: Path) -> Iterator[tuple[int, bytes]]:
    """Open a file of three parts, the last of which is small."""
    body = os.urandom(2 * PART_BYTES + 1000)
    path = tmp_path / "large.jpg"
    path.write_bytes(body)
    with path.open("rb") as file:
        yield file.fileno(), body


@pytest.mark.parametrize(
    "name", ["a.jpg", "a b+c%20%2F#?&=~.jpg", "ü/😀 '(1)*!.jpg", "x" * 1016], ids=["plain", "odd", "unicode", "long"]
)
def test_what_is_put_is_stored_with_all_that_is_known(sandbox: Sandbox, store: ObjectStore, name: str) -> None:
    """By botocore's way and by the short one: bytes, type, cache control, key, metadata, and the verified checksum."""
    for number, body in enumerate((b"first", b"second")):
        key = f"{PREFIX}{number}{name}"[:1024]
        assert store.is_prepared == bool(number)
        etag = store.put(an_object(key, body, kms_key_id=KMS_KEY_ARN), body)
        (stored,) = [row for row in sandbox.objects(BUCKET) if row.key == key]
        digest = hashlib.sha256(body).hexdigest()
        assert (f'"{stored.etag}"', stored.sha256, stored.kms_key_id) == (etag, digest, KMS_KEY_ARN)
        assert (stored.content_type, stored.cache_control) == ("image/jpeg", "public, max-age=86400")
        assert stored.metadata == {"vawsum-sha256": digest, "vawsum-origin": "origin"}
        assert list(stored.checksums) == ["sha256"]
        head = store.head(key)
        assert head is not None
        assert (head.etag, head.size_bytes, head.sha256, head.origin) == (etag, len(body), digest, "origin")
        assert head.kms_key_id == KMS_KEY_ARN


def test_nothing_is_written_over_unseen(sandbox: Sandbox, store: ObjectStore) -> None:
    """Where something is, only its ETag lets it be replaced; where it went meanwhile, it is a conflict."""
    etag = store.put(an_object(KEY, b"one"), b"one")
    with pytest.raises(ObjectExists):
        store.put(an_object(KEY, b"two"), b"two")
    with pytest.raises(ObjectExists):
        store.put(an_object(KEY, b"two"), b"two", if_match='"0123456789abcdef0123456789abcdef"')
    assert sandbox.object_bytes(BUCKET, KEY) == b"one"
    store.put(an_object(KEY, b"two"), b"two", if_match=etag)
    assert sandbox.object_bytes(BUCKET, KEY) == b"two"
    with pytest.raises(Conflict):
        store.put(an_object(f"{KEY}.gone", b"two"), b"two", if_match=etag)


def test_a_large_body_is_sent_only_when_it_is_taken(sandbox: Sandbox, store: ObjectStore) -> None:
    """On the short way S3 is asked first: it takes the body, or refuses it unseen, and the connection goes on."""
    store.put(an_object(f"{PREFIX}first.jpg", b"x"), b"x")
    body = os.urandom(2 * MIB)
    store.put(an_object(KEY, body), body)
    with pytest.raises(ObjectExists):
        store.put(an_object(KEY, body), body)
    sandbox.fault("deny", operation="s3:PutObject", count=1)
    with pytest.raises(AccessDenied):
        store.put(an_object(f"{KEY}.denied", body), body)
    store.put(an_object(f"{KEY}.last", body), body)
    assert sandbox.object_bytes(BUCKET, f"{KEY}.last") == body


@pytest.mark.parametrize(
    ("kind", "expected", "is_there"),
    [
        ("conflict", Conflict, False),
        ("throttle", Throttled, False),
        ("failure", Unavailable, False),
        ("deny", AccessDenied, False),
        ("drop", Unavailable, False),
        ("failure_after", Unavailable, True),
        ("reset_after", Unavailable, True),
    ],
)
def test_failures_are_told_apart(
    sandbox: Sandbox, store: ObjectStore, kind: str, expected: type[AwsError], *, is_there: bool
) -> None:
    """On the short way, once: what was perhaps done is said to be; nothing is tried again by itself."""
    store.put(an_object(f"{PREFIX}first.jpg", b"x"), b"x")
    number = sandbox.fault(kind, operation="s3:PutObject")
    with pytest.raises(expected) as caught:
        store.put(an_object(KEY, b"x"), b"x")
    assert [fault["hits"] for fault in sandbox.faults() if fault["id"] == number] == [1]
    sandbox.calm()
    assert (store.head(KEY) is not None) == is_there
    if isinstance(caught.value, Unavailable):
        assert caught.value.maybe_done == (kind != "conflict")


def test_a_bucket_that_does_not_exist_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    """NotFound, with its name."""
    with pytest.raises(NotFound, match="s3://no-such-bucket/"):
        store_for(sandbox, tmp_path, "no-such-bucket").put(an_object(KEY, b"x"), b"x")


@pytest.mark.parametrize("state", ["disabled", "pending-deletion", "denied"])
def test_a_key_that_cannot_be_used_is_told(sandbox: Sandbox, store: ObjectStore, state: str) -> None:
    """The hint is about the key, not about the bucket's policy."""
    sandbox.settings(kms_keys={KMS_KEY_ARN: state})
    with pytest.raises(AccessDenied) as caught:
        store.put(an_object(KEY, b"x", kms_key_id=KMS_KEY_ARN), b"x")
    assert "KMS key" in caught.value.hint


def test_a_large_object_is_stored_in_parts(sandbox: Sandbox, store: ObjectStore, large: tuple[int, bytes]) -> None:
    """Each proven, one after the other; nothing else is left of the upload."""
    descriptor, body = large
    told: list[int] = []
    new = an_object(KEY, body, kms_key_id=KMS_KEY_ARN)
    etag = store.put_large(new, descriptor, len(body), part_bytes=PART_BYTES, on_part=lambda: told.append(len(told)))
    (stored,) = sandbox.objects(BUCKET)
    assert (stored.sha256, stored.part_count, f'"{stored.etag}"') == (new.sha256.hex(), 3, etag)
    assert (stored.content_type, stored.kms_key_id) == ("image/jpeg", KMS_KEY_ARN)
    assert stored.metadata["vawsum-sha256"] == new.sha256.hex()
    assert told == [0, 1, 2]
    assert sandbox.uploads(BUCKET) == []
    head = store.head(KEY)
    assert head is not None
    assert (head.sha256, head.size_bytes) == (new.sha256.hex(), len(body))


def test_a_large_object_keeps_to_its_condition(sandbox: Sandbox, store: ObjectStore, large: tuple[int, bytes]) -> None:
    """Refused at the end, its parts are thrown away; over the object that was seen it is stored."""
    descriptor, body = large
    etag = store.put(an_object(KEY, b"x"), b"x")
    new = an_object(KEY, body)
    with pytest.raises(ObjectExists):
        store.put_large(new, descriptor, len(body), part_bytes=PART_BYTES)
    assert sandbox.object_bytes(BUCKET, KEY) == b"x"
    assert sandbox.uploads(BUCKET) == []
    store.put_large(new, descriptor, len(body), part_bytes=PART_BYTES, if_match=etag)
    assert sandbox.object_bytes(BUCKET, KEY) == body


@pytest.mark.parametrize("what", ["other-bytes", "shorter"])
def test_a_large_file_that_changed_is_not_stored(
    sandbox: Sandbox, store: ObjectStore, large: tuple[int, bytes], what: str
) -> None:
    """What is read has to have the digest that was promised, and the length."""
    descriptor, body = large
    size_bytes = len(body) + (what == "shorter")
    with pytest.raises(ContentChanged):
        store.put_large(an_object(KEY, b"other"), descriptor, size_bytes, part_bytes=PART_BYTES)
    assert sandbox.objects(BUCKET) == []
    assert sandbox.uploads(BUCKET) == []


@pytest.mark.parametrize("operation", ["UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize("kind", ["failure", "deny", "reset_after"])
def test_a_large_upload_that_fails_is_aborted(
    sandbox: Sandbox, store: ObjectStore, large: tuple[int, bytes], operation: str, kind: str
) -> None:
    """No part of it is left, and its error is passed on; where it was completed all the same, it is whole."""
    descriptor, body = large
    sandbox.fault(kind, operation=f"s3:{operation}", count=1)
    with pytest.raises(AwsError):
        store.put_large(an_object(KEY, body), descriptor, len(body), part_bytes=PART_BYTES)
    assert sandbox.uploads(BUCKET) == []
    was_completed = (operation, kind) == ("CompleteMultipartUpload", "reset_after")
    assert [row.sha256 for row in sandbox.objects(BUCKET)] == [hashlib.sha256(body).hexdigest()] * was_completed


_KILLED = """
import os, sys
from vawsum_agent.aws.objects import NewObject, ObjectStore
from vawsum_agent.aws.session import connect
store = ObjectStore(connect("ap-south-1"), sys.argv[1])
new = NewObject(sys.argv[2], bytes(32), "image/jpeg", "", "", "o")
store.put_large(new, os.open(sys.argv[3], os.O_RDONLY), 9 << 20)
"""


def _is_under_way(sandbox: Sandbox, key: str) -> bool:
    return key in {upload.key for upload in sandbox.uploads(BUCKET)}


def test_an_upload_that_was_killed_is_found_a_day_later(sandbox: Sandbox, store: ObjectStore, tmp_path: Path) -> None:
    """Not before, since another host may be at it; below our own prefix; and aborting it twice does no harm."""
    path = tmp_path / "large.jpg"
    path.write_bytes(bytes(9 << 20))
    sandbox.fault("hang", operation="s3:UploadPart")
    for key in (KEY, "elsewhere/a.jpg"):
        child = subprocess.Popen([sys.executable, "-c", _KILLED, BUCKET, key, path], env=sandbox.environment())
        assert wait_until(partial(_is_under_way, sandbox, key), 60)
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert store.abandoned(PREFIX) == []
    (found,) = store.abandoned(PREFIX, now=time.time() + DAY_S + 60)
    assert found.key == KEY
    for _ in range(2):
        store.abort(found)
    assert [upload.key for upload in sandbox.uploads(BUCKET)] == ["elsewhere/a.jpg"]


def test_objects_are_read_as_they_come(sandbox: Sandbox, store: ObjectStore) -> None:
    """Block by block; what is not there, is another version, or breaks off, is told; what is raised is passed on."""
    body = os.urandom(MIB)
    etag = store.put(an_object(KEY, body), body)
    blocks: list[bytes] = []
    head = store.get(KEY, into=blocks.append, if_match=etag)
    assert (b"".join(blocks), head.sha256) == (body, hashlib.sha256(body).hexdigest())
    assert len(blocks) > 1
    with pytest.raises(NotFound):
        store.get(f"{KEY}.gone", into=blocks.append)
    with pytest.raises(ObjectExists):
        store.get(KEY, into=blocks.append, if_match='"other"')
    with pytest.raises(ZeroDivisionError):
        store.get(KEY, into=lambda _: 1 // 0)
    sandbox.fault("cut", operation="s3:GetObject")
    with pytest.raises(Unavailable):
        store.get(KEY, into=blocks.append)


def test_what_is_missing_is_none(store: ObjectStore) -> None:
    """HEAD of a key without an object."""
    assert store.head(KEY) is None


def test_long_listings_are_read_to_their_end(sandbox: Sandbox, store: ObjectStore) -> None:
    """More objects, and more unfinished uploads, than one page holds."""
    keys = [f"{PREFIX}{number:04}.jpg" for number in range(1001)]
    for key in keys:
        sandbox.put_object(BUCKET, key, b"x")
        store._client.create_multipart_upload(Bucket=BUCKET, Key=key)
    sandbox.put_object(BUCKET, "elsewhere/a.jpg", b"x")
    assert [(row.key, row.size_bytes) for row in store.listing(PREFIX)] == [(key, 1) for key in keys]
    assert [upload.key for upload in store.abandoned(PREFIX, now=time.time() + 2 * DAY_S)] == keys


def test_probe_leaves_nothing_behind(sandbox: Sandbox, store: ObjectStore, tmp_path: Path) -> None:
    """All that it asks is allowed: objects, versions and uploads are as before."""
    store.put(an_object(KEY, b"x"), b"x")
    probe = ObjectsProbe(session_for(sandbox, tmp_path), BUCKET)
    assert probe.some_keys(PREFIX, 1) == [KEY]
    for key in (KEY, f"{PREFIX}new"):
        probe.put(key, KMS_KEY_ARN)
        probe.abort(key)
    probe.list_uploads(PREFIX)
    with pytest.raises(NotFound):
        probe.get(f"{PREFIX}missing")
    assert probe.is_versioned()
    assert [(row.key, row.version_count) for row in sandbox.versions(BUCKET)] == [(KEY, 1)]
    assert sandbox.uploads(BUCKET) == []
    assert abs(probe.skew.seconds or 99.0) < 30


def test_a_slow_line_is_no_dead_one(sandbox: Sandbox, store: ObjectStore) -> None:
    """A picture that takes longer to send than a connection may take to open arrives, on either way of sending."""
    sandbox.fault("bandwidth", operation="s3:PutObject", bytes_per_s=int(1.2 * MIB))
    body = os.urandom(LARGE_BYTES)
    for number in range(2):
        store.put(an_object(f"{KEY}.{number}", body), body)
    assert store.is_prepared
    assert {row.sha256 for row in sandbox.objects(BUCKET)} == {hashlib.sha256(body).hexdigest()}
