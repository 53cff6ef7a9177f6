"""The backups of this host's data as the daemon asks for them; see `BackupsInS3`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.lease_record import LARGEST_BYTES, decode, remaining_s
from vawsum_agent.backup.names import LEASE, BackupName
from vawsum_agent.backup.newest import Newest, Seen
from vawsum_agent.backup.publish.catalog import Catalog, CatalogBucket
from vawsum_agent.backup.publish.leftovers import LeftoverBucket, abort_orphans, abort_uploads_of
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from vawsum_agent.backup.publish.catalog import Found, Published
    from vawsum_agent.core.clock import Clock


class _Timed(Protocol):
    @property
    def body(self) -> bytes: ...
    @property
    def etag(self) -> str: ...
    @property
    def modified_at(self) -> float: ...
    @property
    def answered_at(self) -> float: ...


class DaemonBucket(CatalogBucket, LeftoverBucket, Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    def read(self, key: str, most_bytes: int) -> _Timed | None:
        """Raises AwsError."""
        ...


class InBucket:
    """Backups of one server under one prefix.

    Args:
        bucket: a `BackupBucket`.
        prefix: as configured.
        server: the name of the data.
        clock: wall time.
    """

    def __init__(self, bucket: DaemonBucket, prefix: str, server: str, clock: Clock) -> None:
        self._bucket = bucket
        self._catalog = Catalog(bucket, prefix)
        self._prefix = prefix
        self._server = server
        self._clock = clock
        self._seen: tuple[Found, Newest] | None = None

    def look(self) -> Seen:
        """See `BackupsInS3.look`. A manifest is read once: it never changes, and may be megabytes."""
        standing = self._catalog.standing(self._catalog.found(self._server))
        if standing.newest is None:
            return Seen(None, standing.damaged)
        if self._seen is None or self._seen[0] != standing.newest:
            self._seen = (standing.newest, told(self._catalog.published(standing.newest)))
        return Seen(self._seen[1], standing.damaged)

    def abort_uploads_of(self, backup_id: str) -> int:
        """See `BackupsInS3.abort_uploads_of`."""
        return abort_uploads_of(self._bucket, self._prefix, BackupName(self._server, backup_id))

    def abort_orphans(self) -> int:
        """See `BackupsInS3.abort_orphans`. While a host holds the lease nobody can tell whose they are."""
        if self._is_leased():
            return 0
        return abort_orphans(self._bucket, self._prefix, self._server, self._clock.now())

    def _is_leased(self) -> bool:
        seen = self._bucket.read(f"{self._prefix}{self._server}/{LEASE}", LARGEST_BYTES)
        return seen is not None and remaining_s(decode(seen.body), seen.answered_at - seen.modified_at) > 0


def told(published: Published) -> Newest:
    """Take from a backup what the daemon tells of it. Raises BackupError."""
    manifest, drilled = published.manifest, published.drilled
    is_proven = drilled is not None and not drilled.problems
    return Newest(
        backup_id=manifest.backup_id,
        server=manifest.server,
        began_at=published.name.began_at,
        finished_at=_epoch_s(manifest.finished_at),
        duration_s=manifest.duration_s,
        size_bytes=manifest.dump.size_bytes + manifest.grants.size_bytes,
        raw_bytes=manifest.dump.raw_bytes,
        is_verified=published.verified is not None,
        flags=tuple(manifest.flags),
        drilled_at=_epoch_s(drilled.drilled_at) if drilled is not None and is_proven else None,
        restore_s=drilled.restore_s if drilled is not None and is_proven else None,
        drill_problems=tuple(drilled.problems) if drilled is not None else (),
    )


def _epoch_s(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError as exc:
        message = f"what a backup tells of itself has no time: {moment!r}"
        raise BackupError(message, hint="somebody changed it: take another backup") from exc
