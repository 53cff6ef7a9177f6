"""One bucket of S3, as narrow as the backup capability needs it. Threads may call side by side.

Nothing is written over an object that was not named by its ETag, nothing is deleted, and a write is done only when S3
confirmed the checksum that was sent. Nothing is tried again here.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.listing import listed_rows
from vawsum_agent.aws.new_object import condition, in_blocks
from vawsum_agent.aws.object_errors import ObjectExists, confirm, mapped_object
from vawsum_agent.aws.s3_client import s3_client
from vawsum_agent.aws.streamed_upload import StreamedUpload
from vawsum_agent.aws.uploads import PendingUpload, Uploads
from vawsum_agent.core.errors import NotFound, Rejected, Unavailable

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Mapping

    from vawsum_agent.aws.session import AwsSession

__all__ = ["BackupBucket", "Head", "Listed", "ObjectExists", "PendingUpload", "Read", "StreamedUpload", "checksum"]

_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Read:
    """A small object, all of it. Both times are S3's own, in seconds since the epoch, whole ones."""

    body: bytes
    etag: str
    modified_at: float
    answered_at: float


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of an object that is there.

    Attributes:
        checksum: SHA-256 in Base64, of an object in parts with ``-`` and their count; empty where it has none.
        modified_at: seconds since the epoch, S3's clock.
    """

    size_bytes: int
    etag: str
    checksum: str
    modified_at: float


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a listing. ``modified_at`` is in seconds since the epoch, S3's clock."""

    key: str
    size_bytes: int
    etag: str
    modified_at: float


class BackupBucket:
    """The calls of the backup capability; ``packaging/iam/backup.json`` allows exactly these.

    Args:
        session: for credentials, region and endpoint.
        bucket: in the session's region.
        kms_key_id: encrypts all that is written; empty: as the bucket does.

    Every method raises, beside what it names itself:
        Throttled, Unavailable, AccessDenied: trying again may help; `Unavailable.maybe_done` tells whether a write may
            have been done.
        NotFound: the bucket does not exist, or not in this region.
        Rejected: the request makes no sense to S3.
    """

    def __init__(self, session: AwsSession, bucket: str, kms_key_id: str = "") -> None:
        self.bucket = bucket
        self._region = session.region
        self._encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        # Every body has its SHA-256 in a signed header, or is answered with what S3 made of it.
        self._client: Any = s3_client(session, is_payload_signed=False)
        self._uploads = Uploads(self._client, bucket, session.region)

    def put_new(self, key: str, body: bytes, content_type: str) -> str:
        """Store an object where none is; returns its ETag. Raises ObjectExists where one is; nothing was written."""
        return self._put(key, body, content_type, "")

    def put_over(self, key: str, body: bytes, content_type: str, if_match: str) -> str:
        """Store an object in place of exactly the one with that ETag; returns its own.

        Raises:
            ObjectExists: another one is there; nothing was written.
            Conflict: it is being changed just now, or is gone; nothing was written.
        """
        return self._put(key, body, content_type, if_match)

    def _put(self, key: str, body: bytes, content_type: str, if_match: str) -> str:
        sent = checksum(body)
        with self._mapped("s3:PutObject", key):
            answer = self._client.put_object(
                Bucket=self.bucket,
                Key=key,
                Body=in_blocks(body),
                ContentType=content_type,
                ChecksumSHA256=sent,
                **self._encryption,
                **condition(if_match),
            )
            etag = str(answer["ETag"])
        confirm(answer.get("ChecksumSHA256", ""), sent, f"s3://{self.bucket}/{key}")
        return etag

    def read(self, key: str, most_bytes: int) -> Read | None:
        """Read a small object as a whole; None where there is none.

        Raises:
            Rejected: it is larger than ``most_bytes``: none of ours.
        """
        try:
            with self._mapped("s3:GetObject", key):
                answer = self._client.get_object(Bucket=self.bucket, Key=key)
                answered = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
                size_bytes = answer["ContentLength"]
                if size_bytes <= most_bytes:
                    body = answer["Body"].read()
                    return Read(body, answer["ETag"], answer["LastModified"].timestamp(), answered)
                answer["Body"].close()
        except NotFound as error:
            if error.code != "NoSuchKey":
                raise
            return None
        message = f"s3://{self.bucket}/{key}: {size_bytes} bytes, where at most {most_bytes} can be"
        raise Rejected(message, operation="GetObject", code="EntityTooLarge", hint="see who wrote it")

    def read_range(self, key: str, offset: int, size_bytes: int, if_match: str = "") -> Iterator[bytes]:
        """Read a run of an object's bytes, by one request, made when the first block is asked for.

        Args:
            key: of the object.
            offset: of the first byte.
            size_bytes: how many, at least one.
            if_match: the ETag of the only version that will do; empty for whatever is there.

        Yields:
            Blocks of bytes, in order; together as many as were asked for.

        Raises:
            NotFound: it is not there.
            ObjectExists: it is there with another ETag.
            Rejected: it ends earlier.
            Unavailable: among others when the connection breaks midway; what was given before is right, and the rest
                can be asked for.
        """
        wanted = f"bytes={offset}-{offset + size_bytes - 1}"
        with self._mapped("s3:GetObject", key):
            named = {"IfMatch": if_match} if if_match else {}
            answer = self._client.get_object(Bucket=self.bucket, Key=key, Range=wanted, **named)
            body, size = answer["Body"], int(answer["ContentLength"])
            is_it = str(answer.get("ContentRange", "")).startswith(f"bytes {offset}-")
        try:
            if size != size_bytes or not is_it:
                message = f"s3://{self.bucket}/{key}: asked for {wanted}, and {size} bytes are given"
                raise Rejected(message, operation="GetObject", code="InvalidRange")
            while size:
                with self._mapped("s3:GetObject", key):
                    block = body.read(_BLOCK_BYTES)
                if not block:
                    message = f"GetObject on s3://{self.bucket}/{key}: {size} bytes are missing at the end"
                    raise Unavailable(message, operation="GetObject", code="IncompleteBody", maybe_done=False)
                size -= len(block)
                yield block
        finally:
            body.close()

    def head(self, key: str) -> Head | None:
        """Ask for an object, checksum included; None where there is none."""
        try:
            with self._mapped("s3:GetObject", key):
                answer = self._client.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED")
                return Head(
                    answer["ContentLength"],
                    answer["ETag"],
                    answer.get("ChecksumSHA256", ""),
                    answer["LastModified"].timestamp(),
                )
        except NotFound as error:
            if error.code not in {"404", "NoSuchKey"}:
                raise
            return None

    def listing(self, prefix: str) -> Iterator[Listed]:
        """Give all objects under a prefix, in the order of their keys."""
        for row in listed_rows(self._client, self.bucket, prefix, self._region):
            yield Listed(row["Key"], row["Size"], row["ETag"], row["LastModified"].timestamp())

    def tags(self, key: str) -> dict[str, str]:
        """Give an object's tags. Raises NotFound where it is not there."""
        with self._mapped("s3:GetObjectTagging", key):
            answer = self._client.get_object_tagging(Bucket=self.bucket, Key=key)
            return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    def set_tags(self, key: str, tags: Mapping[str, str]) -> None:
        """Give an object these tags, in place of all it has; safe to repeat. Raises NotFound where it is not there."""
        rows = [{"Key": name, "Value": value} for name, value in tags.items()]
        with self._mapped("s3:PutObjectTagging", key):
            self._client.put_object_tagging(
                Bucket=self.bucket, Key=key, Tagging={"TagSet": rows}, ChecksumAlgorithm="SHA256"
            )

    def lifecycle_rules(self) -> list[dict[str, Any]]:
        """Give the bucket's lifecycle rules as the API names their parts; none where it has no configuration."""
        try:
            with self._mapped("s3:GetLifecycleConfiguration"):
                answer = self._client.get_bucket_lifecycle_configuration(Bucket=self.bucket)
                return list(answer.get("Rules", ()))
        except Rejected as error:
            if error.code != "NoSuchLifecycleConfiguration":
                raise
            return []

    def is_versioned(self) -> bool:
        """Whether what is written over or deleted can be had again."""
        with self._mapped("s3:GetBucketVersioning"):
            return bool(self._client.get_bucket_versioning(Bucket=self.bucket).get("Status") == "Enabled")

    def begin_upload(self, key: str, content_type: str) -> StreamedUpload:
        """Begin an object whose size nobody knows yet. After `Unavailable` one may have been begun: see `pending`."""
        upload_id = self._uploads.begin({"Key": key, "ContentType": content_type, **self._encryption})
        # If we die from here on, the parts lie in the bucket until somebody aborts them; there is no object.
        return StreamedUpload(self._uploads, self.head, key, upload_id)

    def pending(self, prefix: str) -> Iterator[PendingUpload]:
        """Give the uploads under a prefix that are neither completed nor aborted."""
        return self._uploads.pending(prefix)

    def abort(self, upload: PendingUpload) -> None:
        """Throw the parts of an upload away; one that is gone is fine."""
        self._uploads.abort(upload.key, upload.upload_id)

    def _mapped(self, action: str, key: str = "") -> contextlib.AbstractContextManager[None]:
        return mapped_object(action, self.bucket, key, self._region)


def checksum(body: bytes) -> str:
    """Give the SHA-256 of a body as S3 writes it, in Base64."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
