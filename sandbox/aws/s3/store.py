"""Buckets, keys and versions. Every version stays until all is forgotten."""

from __future__ import annotations

import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from sandbox.aws.s3.attributes import DEFAULT_TYPE, Attributes
from sandbox.aws.s3.encryption import Encryption
from sandbox.aws.s3.errors import no_such_bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sandbox.aws.s3.answers import Fields
    from sandbox.aws.s3.bodies import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of an object, or a delete marker, which has no body.

    Attributes:
        key, version_id: its names; the id is `null` where the bucket keeps no versions.
        at_ms: when it was accepted, by the service's clock.
        request_id: of the request that made it.
        etag: without quotes; no MD5 where a KMS key is used.
        sha256: in hex, of a body that came in one piece; empty otherwise.
        checksums: by algorithm, in Base64, as the client sent or completed them.
        part_count: of a multipart upload; 0 for others.
    """

    key: str
    version_id: str
    at_ms: int
    request_id: str
    etag: str = ""
    content: Content | None = None
    sha256: str = ""
    attributes: Attributes = field(default_factory=lambda: Attributes(DEFAULT_TYPE, (), {}, {}))
    encryption: Encryption = field(default_factory=Encryption)
    checksums: Mapping[str, str] = field(default_factory=dict)
    part_count: int = 0

    @property
    def is_marker(self) -> bool:
        """Whether it says that the object is deleted."""
        return self.content is None

    @property
    def size_bytes(self) -> int:
        """Of the body."""
        return self.content.size_bytes if self.content else 0

    def identity(self) -> Fields:
        """Return the headers that tell this version from others."""
        return (("ETag", f'"{self.etag}"'), ("Last-Modified", formatdate(self.at_ms // 1000, usegmt=True)))


@dataclass(slots=True)
class Bucket:
    """A bucket. `lifecycle` is the document as it was put."""

    name: str
    at_ms: int
    is_versioned: bool = True
    kms_key_id: str = ""
    lifecycle: bytes = b""
    keys: dict[str, list[Version]] = field(default_factory=dict)

    def current(self, key: str) -> Version | None:
        """Return the object at a key, or None where there is none or it is deleted."""
        versions = self.keys.get(key)
        return versions[-1] if versions and not versions[-1].is_marker else None

    def objects(self, prefix: str = "") -> list[Version]:
        """Return all objects by key, in the order of the keys' bytes."""
        names = sorted((key for key in self.keys if key.startswith(prefix)), key=str.encode)
        return [version for key in names if (version := self.current(key)) is not None]


class Store:
    """All buckets. Threads may call it at once; what must not be torn apart holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._buckets: dict[str, Bucket] = {}
        self._writers: dict[tuple[str, str], int] = {}

    def clear(self) -> None:
        """Forget all buckets."""
        with self.lock:
            self._buckets.clear()

    def add(self, bucket: Bucket) -> bool:
        """Add a bucket; returns whether its name was free."""
        with self.lock:
            return self._buckets.setdefault(bucket.name, bucket) is bucket

    def bucket(self, name: str) -> Bucket:
        """Return a bucket, or raise NoSuchBucket."""
        with self.lock:
            found = self._buckets.get(name)
        if found is None:
            raise no_such_bucket()
        return found

    def buckets(self) -> list[Bucket]:
        """Return all buckets by name."""
        with self.lock:
            return [self._buckets[name] for name in sorted(self._buckets)]

    @contextmanager
    def writing(self, bucket: str, key: str) -> Iterator[None]:
        """Count a write of a key as under way meanwhile."""
        place = (bucket, key)
        with self.lock:
            self._writers[place] = self._writers.get(place, 0) + 1
        try:
            yield
        finally:
            with self.lock:
                self._writers[place] -= 1
                if not self._writers[place]:
                    del self._writers[place]

    def has_other_writers(self, bucket: str, key: str) -> bool:
        """Whether more than the caller's own write of a key is under way."""
        with self.lock:
            return self._writers.get((bucket, key), 0) > 1

    def put(self, bucket: Bucket, version: Version, check: Callable[[Version | None], None]) -> Version:
        """Make a version the current one, unless `check` of what is current raises. Returns it with its id."""
        with self.lock:
            check(bucket.current(version.key))
            made = replace(version, version_id=_new_id() if bucket.is_versioned else "null")
            self._append(bucket, made)
            return made

    def delete(self, bucket: Bucket, marker: Version) -> Version | None:
        """Delete what is at a key: behind a marker, which is returned, where the bucket keeps versions."""
        with self.lock:
            if not bucket.is_versioned:
                bucket.keys.pop(marker.key, None)
                return None
            made = replace(marker, version_id=_new_id())
            self._append(bucket, made)
            return made

    def delete_version(self, bucket: Bucket, key: str, version_id: str) -> Version | None:
        """Delete one version for good, and return it."""
        with self.lock:
            versions = bucket.keys.get(key, [])
            found = next((one for one in versions if one.version_id == version_id), None)
            bucket.keys[key] = [one for one in versions if one is not found]
            if not bucket.keys[key]:
                del bucket.keys[key]
            return found

    def retag(self, bucket: Bucket, version: Version, tags: Mapping[str, str]) -> None:
        """Give a version other tags."""
        with self.lock:
            versions = bucket.keys[version.key]
            place = next(at for at, one in enumerate(versions) if one.version_id == version.version_id)
            versions[place] = replace(version, attributes=replace(version.attributes, tags=tags))

    @staticmethod
    def _append(bucket: Bucket, version: Version) -> None:
        kept = bucket.keys.setdefault(version.key, [])
        # What was written while no versions were kept has one place, which the next such write takes.
        bucket.keys[version.key] = [one for one in kept if one.version_id != version.version_id] + [version]


def _new_id() -> str:
    return uuid.uuid4().hex
