"""Marks what may expire. The host can't delete: it sets a tag, and the bucket's lifecycle rule does the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.publish.catalog import EXPIRE_TAG, Catalog
from vawsum_agent.backup.publish.retention import Kept, may_expire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.backup.names import BackupName


class TagBucket(Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    def tags(self, key: str) -> Mapping[str, str]:
        """Raises AwsError."""
        ...

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Raises AwsError."""
        ...


def mark_expired(
    bucket: TagBucket, catalog: Catalog, prefix: str, server: str, *, keep_at_least: int, now: float
) -> list[BackupName]:
    """Tag every object of the backups that may expire, unless it is tagged. Raises AwsError.

    Args:
        bucket: of the backups.
        catalog: of the same.
        prefix: as configured.
        server: the name of the data.
        keep_at_least: verified backups that never expire.
        now: seconds since the epoch.

    Returns:
        Which backups were tagged now. If we die half way, the next run tags the rest.
    """
    found = {each.name: each for each in catalog.found(server)}
    rows, verified_count = [], 0
    for name, each in sorted(found.items(), reverse=True):
        # What is older than as many as are kept need not be looked at.
        is_verified = verified_count < keep_at_least and catalog.is_verified(each)
        verified_count += is_verified
        rows.append(Kept(name, each.is_published, is_verified, now - each.modified_at))
    marked = []
    for name in may_expire(rows, keep_at_least):
        keys = [name.key(prefix, leaf) for leaf in sorted(found[name].objects)]
        untagged = [key for key in keys if bucket.tags(key).get(EXPIRE_TAG) != "true"]
        for key in untagged:
            # Other people's tags on it stay.
            bucket.set_tags(key, {**bucket.tags(key), EXPIRE_TAG: "true"})
        if untagged:
            marked.append(name)
    return marked
