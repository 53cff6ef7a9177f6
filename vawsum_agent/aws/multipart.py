"""One large object in parts: each proven by its checksum, the whole by the digest that was promised, or nothing at all.

Memory holds one part. What is begun is completed or aborted here; a process that is killed in between leaves an upload
that is no object, takes room, and is found by `pending_uploads`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.new_object import condition, in_blocks
from vawsum_agent.aws.object_errors import Conflict, ContentChanged, mapped_object
from vawsum_agent.core.errors import AwsError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.aws.new_object import NewObject

_MOST_PARTS = 10_000
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """A multipart upload that is neither completed nor aborted.

    Attributes:
        initiated_at: seconds since the epoch.
    """

    key: str
    upload_id: str
    initiated_at: float


@dataclass(frozen=True, slots=True)
class Parts:
    """What is sent, and in which pieces.

    Attributes:
        descriptor: to read from, at offsets of its own.
        part_bytes: of each part but the last.
        on_part: called after each part.
    """

    descriptor: int
    size_bytes: int
    part_bytes: int
    on_part: Callable[[], object] | None = None

    def read(self, key: str) -> Iterator[bytes]:
        """Give one part after the other. Raises ContentChanged at an earlier end, OSError."""
        for offset in range(0, self.size_bytes, self.part_bytes):
            yield _read(self.descriptor, min(self.part_bytes, self.size_bytes - offset), offset, key)


class Multipart:
    """Multipart uploads into one bucket. Threads may call it side by side.

    Args:
        client: of S3.
        bucket: of all objects.
        region: of the client, for messages.
    """

    def __init__(self, client: Any, bucket: str, region: str) -> None:  # noqa: ANN401 - botocore's
        self._client = client
        self._bucket = bucket
        self._region = region

    def send(self, new: NewObject, parts: Parts, if_match: str) -> str:
        """See `ObjectStore.put_large`."""
        with self._mapped("s3:PutObject", new.key):
            begun = self._client.create_multipart_upload(
                Bucket=self._bucket, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE", **new.arguments()
            )
            upload_id = str(begun["UploadId"])
        # If we die from here on, the parts lie in the bucket until somebody aborts them; the object is as it was.
        try:
            return self._complete(new, upload_id, self._send_parts(new, upload_id, parts), if_match)
        except BaseException:
            # Where completing was perhaps done all the same, there is nothing left to abort, which harms nothing.
            with contextlib.suppress(AwsError):
                self.abort(new.key, upload_id)
            raise

    def _send_parts(self, new: NewObject, upload_id: str, parts: Parts) -> list[dict[str, Any]]:
        whole = hashlib.sha256()
        sent = []
        for number, body in enumerate(parts.read(new.key), 1):
            whole.update(body)
            sent.append(self._send_part(new.key, upload_id, number, body))
            if parts.on_part is not None:
                parts.on_part()
        if whole.digest() != new.sha256:
            message = f"{new.key}: changed while it was uploaded"
            raise ContentChanged(message)
        return sent

    def _send_part(self, key: str, upload_id: str, number: int, body: bytes) -> dict[str, Any]:
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
        with self._mapped("s3:PutObject", key):
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=in_blocks(body),
                ChecksumSHA256=checksum,
            )
        confirm(answer.get("ChecksumSHA256", ""), checksum, f"part {number} of s3://{self._bucket}/{key}")
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _complete(self, new: NewObject, upload_id: str, parts: list[dict[str, Any]], if_match: str) -> str:
        with self._mapped("s3:PutObject", new.key):
            answer = self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=new.key,
                UploadId=upload_id,
                MultipartUpload={"Parts": parts},
                **condition(if_match),
            )
        confirm(answer.get("ChecksumSHA256", ""), _checksum_of(parts), f"s3://{self._bucket}/{new.key}")
        return str(answer["ETag"])

    def pending(self, prefix: str) -> Iterator[PendingUpload]:
        """Give the uploads under a prefix that are neither completed nor aborted. Raises AwsError."""
        after: dict[str, str] = {}
        while True:
            with self._mapped("s3:ListBucketMultipartUploads", prefix):
                page = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=prefix, **after)
            for row in page.get("Uploads", ()):
                yield PendingUpload(row["Key"], row["UploadId"], row["Initiated"].timestamp())
            if not page.get("IsTruncated"):
                return
            after = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def abort(self, key: str, upload_id: str) -> None:
        """Throw an upload's parts away; one that is gone is fine. Raises AwsError."""
        try:
            with self._mapped("s3:AbortMultipartUpload", key):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except Conflict as error:
            if error.code != "NoSuchUpload":
                raise

    def _mapped(self, action: str, key: str) -> contextlib.AbstractContextManager[None]:
        return mapped_object(action, self._bucket, key, self._region)


def part_size(size_bytes: int, part_bytes: int) -> int:
    """Give the size of an object's parts: ``part_bytes``, or as many whole MiB as 10,000 parts need."""
    least = -(-size_bytes // _MOST_PARTS)
    return max(part_bytes, -(-least // _MIB) * _MIB)


def confirm(answered: str, sent: str, what: str) -> None:
    """Hold S3 to the checksum that was sent. Raises Unavailable: what is there is not proven to be what was sent."""
    if answered != sent:
        message = f"{what}: S3 confirmed {f'checksum {answered}' if answered else 'no checksum'} instead of {sent}"
        raise Unavailable(
            message,
            operation="PutObject",
            code="ChecksumNotConfirmed",
            hint="S3, or what answers in its place, must confirm x-amz-checksum-sha256",
        )


def _checksum_of(parts: list[dict[str, Any]]) -> str:
    """Give the checksum of an object in parts: that of its parts' checksums, and how many they are (API)."""
    digests = b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in parts)
    return f"{base64.b64encode(hashlib.sha256(digests).digest()).decode('ascii')}-{len(parts)}"


def _read(descriptor: int, count: int, offset: int, key: str) -> bytes:
    """Read exactly so much. Raises ContentChanged at an earlier end."""
    blocks = []
    while count:
        block = os.pread(descriptor, count, offset)
        if not block:
            message = f"{key}: became shorter while it was uploaded"
            raise ContentChanged(message)
        blocks.append(block)
        count -= len(block)
        offset += len(block)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)
