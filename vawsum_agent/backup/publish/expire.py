"""Marks what may expire, and unmarks what may not any more.

The host can't delete: it sets a tag, and the bucket's lifecycle rule does the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.publish.catalog import EXPIRE_TAG, Catalog
from vawsum_agent.backup.publish.retention import Kept, may_expire
from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.publish.catalog import Found


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
    """Tag every object of the backups that may expire, unless it is tagged; the others bear no such tag then.

    Args:
        bucket: of the backups.
        catalog: of the same.
        prefix: as configured.
        server: the name of the data.
        keep_at_least: verified backups that never expire.
        now: seconds since the epoch.

    Returns:
        Which backups were tagged now. If we die half way, the next run tags the rest.

    Raises:
        AwsError: S3 does not do it.
    """
    found = {each.name: each for each in catalog.found(server)}
    needless = _needless(found, catalog, keep_at_least, now)
    # First what must stay: what goes a day later than it may harms nobody.
    _unmark(bucket, prefix, found, needless)
    marked = []
    for name in needless:
        untagged = [(key, tags) for key, tags in _tagged(bucket, prefix, found[name]) if not _is_expiring(tags)]
        for key, tags in untagged:
            # Other people's tags on it stay.
            bucket.set_tags(key, {**tags, EXPIRE_TAG: "true"})
        if untagged:
            marked.append(name)
    return marked


def keep_needed(
    bucket: TagBucket, catalog: Catalog, prefix: str, server: str, *, keep_at_least: int, now: float
) -> str:
    """Unmark the backups that may not expire any more, for one that made them needless is damaged.

    What is given is that of `mark_expired`; nothing is marked, for nothing was made.

    Returns:
        What kept it from that, in a sentence for people who are told of the damage anyway; empty for nothing. The
        next run that succeeds makes up for it.
    """
    try:
        found = {each.name: each for each in catalog.found(server)}
        _unmark(bucket, prefix, found, _needless(found, catalog, keep_at_least, now))
    except AgentError as error:
        return f"older backups may be removed that are needed now: {error.message}"
    return ""


def _needless(found: Mapping[BackupName, Found], catalog: Catalog, keep_at_least: int, now: float) -> list[BackupName]:
    rows, verified_count = [], 0
    for name, each in sorted(found.items(), reverse=True):
        # What is older than as many as are kept need not be looked at.
        is_verified = verified_count < keep_at_least and catalog.is_verified(each)
        verified_count += is_verified
        rows.append(Kept(name, each.is_published, is_verified, now - each.modified_at))
    return may_expire(rows, keep_at_least)


def _unmark(
    bucket: TagBucket, prefix: str, found: Mapping[BackupName, Found], needless: Collection[BackupName]
) -> None:
    for each in [found[name] for name in found if name not in needless]:
        for key, tags in _tagged(bucket, prefix, each):
            if _is_expiring(tags):
                # Its last tag is taken from an object by a right of its own, which the host does not have.
                bucket.set_tags(key, {**tags, EXPIRE_TAG: "false"})


def _tagged(bucket: TagBucket, prefix: str, found: Found) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give the keys of a backup, each with its tags. Raises AwsError."""
    for leaf in sorted(found.objects):
        key = found.name.key(prefix, leaf)
        yield key, bucket.tags(key)


def _is_expiring(tags: Mapping[str, str]) -> bool:
    return tags.get(EXPIRE_TAG) == "true"
