"""What a backup that was killed leaves in the bucket: parts of an upload that nobody completes. They are aborted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.names import parse_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.uploads import PendingUpload
    from vawsum_agent.backup.names import BackupName

ORPHANED_AFTER_S = 3600.0
"""Of an upload of another host, of which nobody here knows whether it goes on."""


class LeftoverBucket(Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    def pending(self, prefix: str) -> Iterator[PendingUpload]:
        """Raises AwsError."""
        ...

    def abort(self, upload: PendingUpload) -> None:
        """Raises AwsError."""
        ...


def abort_uploads_of(bucket: LeftoverBucket, prefix: str, name: BackupName) -> int:
    """Abort what was begun of one backup, of which it is known that nobody makes it any more. Raises AwsError.

    Returns:
        How many there were.
    """
    uploads = list(bucket.pending(name.folder(prefix)))
    for upload in uploads:
        bucket.abort(upload)
    return len(uploads)


def abort_all_but(bucket: LeftoverBucket, prefix: str, name: BackupName) -> int:
    """Abort what was begun of all other backups of the same data, by the one who may make them. Raises AwsError.

    Returns:
        How many there were.
    """
    uploads = [upload for upload in bucket.pending(f"{prefix}{name.server}/") if _is_of_another(prefix, upload, name)]
    for upload in uploads:
        bucket.abort(upload)
    return len(uploads)


def abort_orphans(bucket: LeftoverBucket, prefix: str, server: str, now: float) -> int:
    """Abort what was begun over an hour ago, for a time at which nobody makes a backup. Raises AwsError.

    Args:
        bucket: of the backups.
        prefix: as configured.
        server: the name of the data.
        now: seconds since the epoch.

    Returns:
        How many there were.
    """
    count = 0
    for upload in list(bucket.pending(f"{prefix}{server}/")):
        parsed = parse_key(prefix, upload.key)
        if parsed is None or now - upload.initiated_at < ORPHANED_AFTER_S:
            continue
        bucket.abort(upload)
        count += 1
    return count


def _is_of_another(prefix: str, upload: PendingUpload, name: BackupName) -> bool:
    parsed = parse_key(prefix, upload.key)
    return parsed is not None and parsed[0] != name
