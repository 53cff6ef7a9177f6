"""A small object that is stored in one piece, however often it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.backup_bucket import ObjectExists, checksum
from vawsum_agent.core.errors import Unavailable

if TYPE_CHECKING:
    from vawsum_agent.aws.backup_bucket import Head
    from vawsum_agent.backup.upload.patience import Persistent


class WholeBucket(Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    def put_new(self, key: str, body: bytes, content_type: str) -> str:
        """See `BackupBucket.put_new`."""
        ...

    def head(self, key: str) -> Head | None:
        """See `BackupBucket.head`."""
        ...


def put_whole(bucket: WholeBucket, key: str, body: bytes, content_type: str, persistent: Persistent) -> str:
    """Store an object where none is.

    When an answer is lost, S3 is asked what is there: the same bytes are ours, whoever wrote them.

    Args:
        bucket: into which.
        key: of the object.
        body: all its bytes.
        content_type: of the object.
        persistent: for how long.

    Returns:
        Its ETag. S3 has confirmed the checksum.

    Raises:
        ObjectExists: something else is there; it stays.
        AwsError: of the last attempt; the object may be there all the same when it is `Unavailable`.
    """

    def attempt() -> str:
        try:
            return bucket.put_new(key, body, content_type)
        except ObjectExists as error:
            return _etag_of_ours(error)
        except Unavailable as error:
            if not error.maybe_done:
                raise
            return _etag_of_ours(error)

    def _etag_of_ours(error: ObjectExists | Unavailable) -> str:
        found = bucket.head(key)
        if found is None or (found.size_bytes, found.checksum) != (len(body), checksum(body)):
            raise error
        return found.etag

    return persistent.call(attempt)
