"""Which backups exist: those whose manifest lies in the bucket. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.manifest import LARGEST_BYTES, Manifest, decode
from vawsum_agent.backup.names import DRILLED, MANIFEST, VERIFIED, BackupName, parse_key
from vawsum_agent.backup.publish import sidecars
from vawsum_agent.backup.publish.sidecars import Drilled, SidecarBucket, Verified
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EXPIRE_TAG = "vawsum-expire"
"""Its value ``true`` lets the bucket's lifecycle rule remove an object."""


class _Listed(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def modified_at(self) -> float: ...


class CatalogBucket(SidecarBucket, Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    bucket: str

    def listing(self, prefix: str) -> Iterator[_Listed]:
        """Raises AwsError."""
        ...

    def tags(self, key: str) -> Mapping[str, str]:
        """Raises AwsError."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """A folder of a backup in the bucket.

    Attributes:
        objects: names of what lies in it.
        modified_at: of its latest object, by the clock of S3.
    """

    name: BackupName
    objects: frozenset[str]
    modified_at: float

    @property
    def is_published(self) -> bool:
        """Whether it is a backup at all."""
        return MANIFEST in self.objects


@dataclass(frozen=True, slots=True)
class Published:
    """A backup with all that is known of it.

    Attributes:
        verified: the latest look that found it whole; None where there was none, or a later one found it damaged.
        damage: what that one found.
        drilled: the latest; None where it never was.
        published_at: seconds since the epoch, by the clock of S3.
    """

    name: BackupName
    manifest: Manifest
    verified: Verified | None
    drilled: Drilled | None
    published_at: float
    damage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Damage:
    """What a look found wrong with a backup."""

    name: BackupName
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be had of some backups.

    Attributes:
        newest: that is not known to be damaged; None where there is none.
        damaged: those after it, the latest first: they count as no backups.
    """

    newest: Found | None
    damaged: tuple[Damage, ...] = ()


class Catalog:
    """The backups under a prefix.

    Args:
        bucket: a `BackupBucket`.
        prefix: as configured.
    """

    def __init__(self, bucket: CatalogBucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    def found(self, server: str | None = None) -> list[Found]:
        """List all folders, oldest first, also of what is no backup yet. Raises AwsError.

        Args:
            server: the name of the data; None for those of all.
        """
        objects: dict[BackupName, set[str]] = {}
        modified_at: dict[BackupName, float] = {}
        for listed in self._bucket.listing(self._prefix if server is None else f"{self._prefix}{server}/"):
            parsed = parse_key(self._prefix, listed.key)
            if parsed is None:
                continue
            name, leaf = parsed
            objects.setdefault(name, set()).add(leaf)
            modified_at[name] = max(modified_at.get(name, 0.0), listed.modified_at)
        rows = [Found(name, frozenset(leaves), modified_at[name]) for name, leaves in objects.items()]
        return sorted(rows, key=lambda row: (row.name.backup_id, row.name.server))

    def backups(self, server: str | None = None) -> list[BackupName]:
        """Name those that exist, oldest first. Raises AwsError."""
        return [row.name for row in self.found(server) if row.is_published]

    def standing(self, found: Sequence[Found]) -> Standing:
        """Tell which is the newest that may be relied on. Raises AwsError.

        Args:
            found: of one server, oldest first.
        """
        damaged: list[Damage] = []
        for each in reversed([each for each in found if each.is_published]):
            problems = self.damage(each.name) if VERIFIED in each.objects else ()
            if not problems:
                return Standing(each, tuple(damaged))
            damaged.append(Damage(each.name, problems))
        return Standing(None, tuple(damaged))

    def damage(self, name: BackupName) -> tuple[str, ...]:
        """Tell what the latest look found wrong with a backup; nothing where it is whole, or nobody looked.

        Raises:
            AwsError: S3 does not answer.
        """
        verified = sidecars.read(self._bucket, self._prefix, name, Verified)
        return tuple(verified.problems) if verified is not None else ()

    def manifest(self, name: BackupName) -> Manifest:
        """Read what it says of itself.

        Raises:
            BackupError: there is none, or none that can be used.
            AwsError: S3 does not answer.
        """
        key = name.key(self._prefix, MANIFEST)
        where = f"s3://{self._bucket.bucket}/{key}"
        found = self._bucket.read(key, LARGEST_BYTES)
        if found is None:
            message = f"there is no backup {name.backup_id} of {name.server}: {where} does not exist"
            raise BackupError(message, hint="`vawsum-agent backup list` shows those that exist")
        manifest = decode(found.body, where)
        if (manifest.server, manifest.backup_id) != (name.server, name.backup_id):
            message = f"{where}: tells of {manifest.server}/{manifest.backup_id}"
            raise BackupError(message, hint="somebody copied it: take another backup")
        return manifest

    def published(self, found: Found) -> Published:
        """Read all that is known of one. Raises BackupError, AwsError."""
        verified = self._verified(found)
        damage = tuple(verified.problems) if verified is not None else ()
        return Published(
            found.name,
            self.manifest(found.name),
            None if damage else verified,
            sidecars.read(self._bucket, self._prefix, found.name, Drilled) if DRILLED in found.objects else None,
            found.modified_at,
            damage,
        )

    def is_verified(self, found: Found) -> bool:
        """Whether it is a backup that the latest look found whole. Raises AwsError."""
        verified = self._verified(found) if found.is_published else None
        return verified is not None and not verified.problems

    def _verified(self, found: Found) -> Verified | None:
        if VERIFIED not in found.objects:
            return None
        return sidecars.read(self._bucket, self._prefix, found.name, Verified)

    def newest(self, server: str | None = None) -> Published | None:
        """Read all that is known of the newest that is not known to be damaged. Raises BackupError, AwsError."""
        newest = self.standing(self.found(server)).newest
        return None if newest is None else self.published(newest)

    def is_expiring(self, name: BackupName) -> bool:
        """Whether the bucket may remove it. Raises AwsError."""
        return self._bucket.tags(name.key(self._prefix, MANIFEST)).get(EXPIRE_TAG) == "true"
