"""S3 as one thing: its parts put together, and what the admin API does with them."""

from __future__ import annotations

import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.attributes import DEFAULT_TYPE, Attributes
from sandbox.aws.s3.bodies import Bodies, Content
from sandbox.aws.s3.buckets import BucketOperations, check_lifecycle, check_name
from sandbox.aws.s3.call import Permissions
from sandbox.aws.s3.gate import S3Gate
from sandbox.aws.s3.multipart import MultipartOperations
from sandbox.aws.s3.objects import ObjectOperations
from sandbox.aws.s3.public import PublicDoor
from sandbox.aws.s3.store import Bucket, Store, Version
from sandbox.aws.s3.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.aws.s3.gate import Rules

Document = dict[str, Any]


class S3Service:
    """The store and its gates. `gate` answers clients, `public` whoever reads without credentials."""

    def __init__(self, rules: Rules, folder: Path, seed: int) -> None:
        self._settings = rules.settings
        self._store, self._uploads, self._bodies = Store(), Uploads(), Bodies(folder)
        permissions = Permissions(rules.gatekeeper, rules.settings)
        operations = {
            **BucketOperations(self._store).operations,
            **ObjectOperations(self._store, permissions, rules.books).operations,
            **MultipartOperations(self._store, self._uploads, permissions, rules.books).operations,
        }
        self.gate = S3Gate(rules, self._store, self._bodies, operations, seed)
        self.public = PublicDoor(self._store)

    def clear(self) -> None:
        """Forget all buckets, uploads and bodies."""
        self._store.clear()
        self._uploads.clear()
        self._bodies.clear()

    def add_bucket(self, wanted: Document) -> None:
        """Make a bucket, without asking any policy. Raises ServiceError for a bad name or one that is taken."""
        check_name(wanted["bucket"])
        lifecycle = wanted.get("lifecycle", "").encode()
        if lifecycle:
            check_lifecycle(lifecycle)
        made = Bucket(
            wanted["bucket"],
            self._settings.now_ms(),
            is_versioned=bool(wanted.get("is_versioned", True)),
            kms_key_id=str(wanted.get("kms_key_id", "")),
            lifecycle=lifecycle,
        )
        if not self._store.add(made):
            raise ServiceError("BucketAlreadyOwnedByYou", made.name, status=409)

    def put_object(self, wanted: Document, body: bytes) -> None:
        """Put an object as if somebody else had, without asking any policy."""
        span = self._bodies.reserve(len(body))
        span.write(0, body)
        version = Version(
            key=wanted["key"],
            version_id="",
            at_ms=self._settings.now_ms(),
            request_id=uuid.uuid4().hex,
            etag=hashlib.md5(body, usedforsecurity=False).hexdigest(),
            content=Content((span,)),
            sha256=hashlib.sha256(body).hexdigest(),
            attributes=Attributes(
                wanted.get("content_type", DEFAULT_TYPE), (), orjson.loads(wanted.get("metadata", "{}")), {}
            ),
        )
        self._store.put(self._store.bucket(wanted["bucket"]), version, lambda _: None)

    def content(self, bucket: str, key: str, version_id: str = "") -> Content:
        """Return an object's body, the current one unless a version is named. Raises ServiceError without one."""
        for version in reversed(self._store.bucket(bucket).keys.get(key, [])):
            if version_id in {"", version.version_id} and version.content is not None:
                return version.content
        raise ServiceError("NoSuchKey", f"{bucket}/{key}", status=404)

    def object_lines(self, bucket: str, prefix: str = "") -> Iterator[bytes]:
        """Return all objects of a bucket, by key, each as a line."""
        found = self._store.bucket(bucket)
        with self._store.lock:
            return _lines([(version, len(found.keys[version.key])) for version in found.objects(prefix)])

    def version_lines(self, bucket: str, prefix: str = "") -> Iterator[bytes]:
        """Return all versions of a bucket, by key and then by age, delete markers among them, each as a line."""
        found = self._store.bucket(bucket)
        with self._store.lock:
            keys = sorted((key for key in found.keys if key.startswith(prefix)), key=str.encode)
            return _lines([(version, len(found.keys[key])) for key in keys for version in found.keys[key]])

    def uploads(self, bucket: str) -> list[Document]:
        """Return a bucket's multipart uploads under way."""
        return [
            {
                "key": one.key,
                "upload_id": one.upload_id,
                "part_count": len(one.parts),
                "size_bytes": sum(part.span.size_bytes for part in list(one.parts.values())),
            }
            for one in self._uploads.of(self._store.bucket(bucket).name)
        ]


def _lines(rows: list[tuple[Version, int]]) -> Iterator[bytes]:
    for version, count in rows:
        yield orjson.dumps({**_describe(version), "version_count": count}, option=orjson.OPT_APPEND_NEWLINE)


def _describe(version: Version) -> Document:
    fields = dict(version.attributes.fields)
    return {
        "key": version.key,
        "version_id": version.version_id,
        "is_deleted": version.is_marker,
        "size_bytes": version.size_bytes,
        "sha256": version.sha256 or _sha256_of(version),
        "etag": version.etag,
        "content_type": version.attributes.content_type,
        "cache_control": fields.get("Cache-Control", ""),
        "content_encoding": fields.get("Content-Encoding", ""),
        "metadata": dict(version.attributes.metadata),
        "tags": dict(version.attributes.tags),
        "kms_key_id": version.encryption.key_arn,
        "checksums": dict(version.checksums),
        "part_count": version.part_count,
        "at_ms": version.at_ms,
        "request_id": version.request_id,
    }


def _sha256_of(version: Version) -> str:
    """Return the digest of a body that came in parts; nothing for a delete marker."""
    if version.content is None:
        return ""
    hasher = hashlib.sha256()
    for block in version.content.blocks():
        hasher.update(block)
    return hasher.hexdigest()
