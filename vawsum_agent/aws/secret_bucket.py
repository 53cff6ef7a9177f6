"""The folder of one application's secrets in S3: which versions there are, and what is in one. Nothing is written.

Objects go by their names below the folder. What is listed is read by its version, so that what somebody stores
meanwhile is no part of it. Nothing is tried again here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.object_errors import mapped_object
from vawsum_agent.aws.s3_client import s3_client
from vawsum_agent.core.errors import Rejected, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession

NO_VERSION = "null"
"""What S3 calls the version of an object that was stored while the bucket kept none (API: ListObjectVersions)."""


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """The newest there is of one secret.

    Attributes:
        name: below the folder, as somebody chose it; nothing about it is checked.
        version_id: `NO_VERSION` where the bucket keeps no versions.
        is_deleted: it is a delete marker, which can't be read.
    """

    name: str
    version_id: str
    size_bytes: int
    is_deleted: bool


class SecretBucket:
    """The calls about secrets: ``s3:ListBucketVersions``, ``s3:GetObjectVersion``, and ``kms:Decrypt`` on the key.

    Args:
        session: for credentials, region and endpoint.
        secrets: the folder, as ``s3://bucket/prefix/``; in the session's region. It may be the whole bucket.

    Both methods raise, beside what they name themselves:
        Throttled, Unavailable, AccessDenied: trying again may help.
        NotFound: the bucket does not exist, or not in this region.
    """

    def __init__(self, session: AwsSession, secrets: str) -> None:
        self.folder = secrets
        self._bucket, _, self._prefix = secrets.removeprefix("s3://").partition("/")
        self._region = session.region
        self._client: Any = s3_client(session)

    def newest(self) -> Iterator[SecretVersion]:
        """Give the newest version of each secret, deleted ones too: in a versioned bucket those are still told of."""
        after: dict[str, str] = {}
        while True:
            with mapped_object("s3:ListBucketVersions", self._bucket, self._prefix, self._region):
                page = self._client.list_object_versions(Bucket=self._bucket, Prefix=self._prefix, **after)
                found = [self._told(row, is_deleted=False) for row in page.get("Versions", ()) if row["IsLatest"]]
                found += [self._told(row, is_deleted=True) for row in page.get("DeleteMarkers", ()) if row["IsLatest"]]
                is_last = not page.get("IsTruncated")
                if not is_last:
                    after = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
            yield from found
            if is_last:
                return

    def read(self, name: str, version_id: str, most_bytes: int) -> bytes:
        """Read one version of a secret, all of it.

        Raises:
            NotFound: that version is gone for good.
            Rejected: it is larger than ``most_bytes``, or a delete marker.
        """
        key = self._prefix + name
        with mapped_object("s3:GetObjectVersion", self._bucket, key, self._region):
            answer = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version_id)
            size_bytes, given = int(answer["ContentLength"]), str(answer.get("VersionId", NO_VERSION))
            body = bytes(answer["Body"].read(most_bytes + 1))
            answer["Body"].close()
        where = f"s3://{self._bucket}/{key}"
        if size_bytes > most_bytes:
            message = f"{where}: {size_bytes} bytes, where a secret has at most {most_bytes}"
            raise Rejected(message, operation="GetObjectVersion", code="EntityTooLarge", hint="see who wrote it")
        if given != version_id or len(body) != size_bytes:
            # A proxy that answers from a cache, or a connection that ended early: neither may become a .env.
            message = f"{where}: asked for version {version_id}, and {len(body)} bytes of {given} came"
            raise Unavailable(message, operation="GetObjectVersion", code="IncompleteBody", maybe_done=False)
        return body

    def _told(self, row: dict[str, Any], *, is_deleted: bool) -> SecretVersion:
        name = str(row["Key"]).removeprefix(self._prefix)
        return SecretVersion(name, str(row["VersionId"]), int(row.get("Size", 0)), is_deleted)
