"""One bucket of S3, as narrow as the images capability needs it. Threads may call side by side.

Nothing is ever written over an object that was not named by its ETag, nothing is deleted, and a write is done only when
S3 confirmed the checksum that was sent. Nothing is tried again here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.listing import listed_rows
from vawsum_agent.aws.multipart import Parts, part_size, send_in_parts
from vawsum_agent.aws.new_object import ORIGIN_FIELD, SHA256_FIELD, NewObject
from vawsum_agent.aws.object_errors import Conflict, ContentChanged, ObjectExists, confirm, mapped_object
from vawsum_agent.aws.prepared_put import PreparedPut
from vawsum_agent.aws.s3_client import s3_client
from vawsum_agent.aws.uploads import PendingUpload, Uploads
from vawsum_agent.core.errors import NotFound, Unavailable

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator

    from vawsum_agent.aws.session import AwsSession

__all__ = [
    "PART_BYTES",
    "Conflict",
    "ContentChanged",
    "ListedObject",
    "NewObject",
    "ObjectExists",
    "ObjectHead",
    "ObjectStore",
    "PendingUpload",
]

PART_BYTES = 8 << 20
ABANDONED_AFTER_S = 86_400.0
"""No upload of ours takes a day; hosts that share a prefix must not abort each other's."""

_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """What is known of an object that is there.

    Attributes:
        sha256: digest of its bytes in hexadecimal, by whoever stored it; empty where nobody said.
        origin: who stored it; empty where nobody said.
        kms_key_id: the ARN of the key; empty without one.
    """

    etag: str
    size_bytes: int
    sha256: str
    origin: str
    kms_key_id: str


@dataclass(frozen=True, slots=True)
class ListedObject:
    """A row of a listing."""

    key: str
    size_bytes: int
    etag: str


class ObjectStore:
    """The calls of the images capability; ``packaging/iam/images.json`` allows exactly these.

    Args:
        session: for credentials, region and endpoint.
        bucket: in the session's region.
    """

    def __init__(self, session: AwsSession, bucket: str) -> None:
        self.bucket = bucket
        self._region = session.region
        self._client: Any = s3_client(session)
        self._put = PreparedPut(session, self._client, bucket)
        self._uploads = Uploads(self._client, bucket, session.region)

    @property
    def is_prepared(self) -> bool:
        """Whether the next `put` goes the short way, see `prepared_put`."""
        return self._put.is_prepared

    def put(self, new: NewObject, body: bytes, *, if_match: str = "") -> str:
        """Store an object in one request.

        Args:
            new: what is known of it; its digest is that of ``body``.
            body: all its bytes.
            if_match: the ETag of the object that it takes the place of; empty: there must be none.

        Returns:
            Its ETag. S3 has confirmed the checksum.

        Raises:
            ObjectExists: the condition does not hold; nothing was written.
            Conflict, Throttled, AccessDenied: nothing was written; trying again may help.
            Unavailable: perhaps written, see its ``maybe_done``.
            NotFound: the bucket does not exist, or not in this region.
            Rejected: this object can't be stored.
        """
        with self._mapped("s3:PutObject", new.key):
            stored = self._put.send(new, body, if_match)
        subject = f"s3://{self.bucket}/{new.key}"
        confirm(stored.checksum, new.checksum, subject)
        if not stored.etag:
            message = f"PutObject on {subject}: the answer has no ETag"
            raise Unavailable(message, operation="PutObject", code="NoETag")
        return stored.etag

    def put_large(
        self,
        new: NewObject,
        descriptor: int,
        size_bytes: int,
        *,
        if_match: str = "",
        part_bytes: int = PART_BYTES,
        on_part: Callable[[], object] | None = None,
    ) -> str:
        """Store an object in parts, which are read one by one; what is left of it after a failure is aborted.

        Args:
            new: what is known of it.
            descriptor: to read from, at offsets of its own.
            size_bytes: of the object, more than none.
            if_match: as for `put`.
            part_bytes: of each part but the last, at least 5 MiB; more are used where 10,000 parts would not do.
            on_part: called after each part, by this thread.

        Returns:
            Its ETag. S3 has confirmed the checksum of each part, and what was read has the digest that ``new`` names.

        Raises:
            ContentChanged: what was read is shorter, or has another digest. Nothing was written.
            AwsError: as `put`.
        """
        parts = Parts(descriptor, size_bytes, part_size(size_bytes, part_bytes), on_part)
        return send_in_parts(self._uploads, new, parts, if_match)

    def head(self, key: str) -> ObjectHead | None:
        """Ask for an object; None when it is not there. Raises AwsError, AccessDenied among them."""
        try:
            with self._mapped("s3:GetObject", key):
                answer = self._client.head_object(Bucket=self.bucket, Key=key)
                return _head(answer)
        except NotFound as error:
            if error.code not in {"404", "NoSuchKey"}:
                raise
            return None

    def get(self, key: str, *, into: Callable[[bytes], object], if_match: str = "") -> ObjectHead:
        """Read an object; that its bytes are whole is the caller's to verify.

        Args:
            key: of the object.
            into: called with each block of bytes, in order; what it raises is passed on.
            if_match: the ETag of the only version that will do; empty for whatever is there.

        Raises:
            NotFound: it is not there.
            ObjectExists: it is there with another ETag.
            AwsError: as `put`; blocks may have been given before.
        """
        with self._mapped("s3:GetObject", key):
            answer = self._client.get_object(Bucket=self.bucket, Key=key, **({"IfMatch": if_match} if if_match else {}))
            head, body = _head(answer), answer["Body"]
        try:
            while True:
                with self._mapped("s3:GetObject", key):
                    block = body.read(_BLOCK_BYTES)
                if not block:
                    return head
                into(block)
        finally:
            body.close()

    def listing(self, prefix: str) -> Iterator[ListedObject]:
        """Give all objects under a prefix, in the order of their keys. Raises AwsError."""
        for row in listed_rows(self._client, self.bucket, prefix, self._region):
            yield ListedObject(row["Key"], row["Size"], row["ETag"])

    def abandoned(self, prefix: str, now: float | None = None) -> list[PendingUpload]:
        """List the multipart uploads under a prefix that were begun over a day ago: nobody completes these.

        Args:
            prefix: of our own keys.
            now: wall time; None for this moment's.

        Raises:
            AwsError: as `put`; nothing is changed by asking.
        """
        latest = (time.time() if now is None else now) - ABANDONED_AFTER_S
        return [upload for upload in self._uploads.pending(prefix) if upload.initiated_at < latest]

    def abort(self, upload: PendingUpload) -> None:
        """Throw the parts of an upload away; one that is gone is fine. Raises AwsError."""
        self._uploads.abort(upload.key, upload.upload_id)

    def _mapped(self, action: str, key: str) -> contextlib.AbstractContextManager[None]:
        return mapped_object(action, self.bucket, key, self._region)


def _head(answer: dict[str, Any]) -> ObjectHead:
    told = answer.get("Metadata", {})
    return ObjectHead(
        etag=answer["ETag"],
        size_bytes=answer["ContentLength"],
        sha256=told.get(SHA256_FIELD, ""),
        origin=told.get(ORIGIN_FIELD, ""),
        kms_key_id=answer.get("SSEKMSKeyId", ""),
    )
