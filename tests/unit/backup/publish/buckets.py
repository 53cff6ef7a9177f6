"""A bucket in memory, as far as backups ask one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.unit.backup.manifests import manifest
from vawsum_agent.aws.object_errors import ObjectExists
from vawsum_agent.backup.manifest import encode
from vawsum_agent.backup.names import DUMP, GRANTS, MANIFEST
from vawsum_agent.backup.publish import sidecars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vawsum_agent.aws.uploads import PendingUpload
    from vawsum_agent.backup.names import BackupName

PREFIX = "mysql/"


@dataclass(frozen=True, slots=True)
class Read:
    """A whole object."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a listing."""

    key: str
    modified_at: float


@dataclass(slots=True)
class MemoryBucket:
    """Keys and what they hold.

    Attributes:
        uploads: begun and not completed.
        now: what time it is written.
    """

    bucket: str = "vawsum-backups"
    bodies: dict[str, bytes] = field(default_factory=dict)
    modified_at: dict[str, float] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    uploads: list[PendingUpload] = field(default_factory=list)
    now: float = 0.0

    def read(self, key: str, most_bytes: int) -> Read | None:
        """See `BackupBucket.read`."""
        body = self.bodies.get(key)
        return None if body is None else Read(body[:most_bytes], self._etag(key))

    def put_new(self, key: str, body: bytes, content_type: str) -> str:  # noqa: ARG002 - S3's
        """See `BackupBucket.put_new`."""
        if key in self.bodies:
            raise ObjectExists(key)
        return self._put(key, body)

    def put_over(self, key: str, body: bytes, content_type: str, if_match: str) -> str:  # noqa: ARG002 - S3's
        """See `BackupBucket.put_over`."""
        if if_match != self._etag(key):
            raise ObjectExists(key)
        return self._put(key, body)

    def listing(self, prefix: str) -> Iterator[Listed]:
        """See `BackupBucket.listing`."""
        yield from (Listed(key, self.modified_at[key]) for key in sorted(self.bodies) if key.startswith(prefix))

    def tags(self, key: str) -> Mapping[str, str]:
        """See `BackupBucket.tags`."""
        return self.labels.get(key, {})

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """See `BackupBucket.set_tags`."""
        self.labels[key] = dict(tags)

    def pending(self, prefix: str) -> Iterator[PendingUpload]:
        """See `BackupBucket.pending`."""
        yield from [upload for upload in self.uploads if upload.key.startswith(prefix)]

    def abort(self, upload: PendingUpload) -> None:
        """See `BackupBucket.abort`."""
        self.uploads.remove(upload)

    def publish(self, name: BackupName, *, is_verified: bool = True) -> None:
        """Put a whole backup there."""
        for leaf in (DUMP, GRANTS):
            self.put_new(name.key(PREFIX, leaf), b"", "")
        self.put_new(name.key(PREFIX, MANIFEST), encode(manifest(name)), "")
        if is_verified:
            told = sidecars.Verified(verified_at="", by="", sha256="", frames=0, raw_bytes=0)
            sidecars.write(self, PREFIX, name, told)

    def damage(self, name: BackupName) -> None:
        """Let a look say that a backup is damaged."""
        told = sidecars.Verified(verified_at="", by="", sha256="", frames=0, raw_bytes=0, problems=["no frame"])
        sidecars.write(self, PREFIX, name, told)

    def _put(self, key: str, body: bytes) -> str:
        self.bodies[key] = body
        self.modified_at[key] = self.now
        return self._etag(key)

    def _etag(self, key: str) -> str:
        return f'"{hash(self.bodies[key])}"'
