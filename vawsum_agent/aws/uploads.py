"""The calls of multipart uploads into one bucket, one attempt each: begun, sent in parts, completed or aborted.

Every part is proven by its SHA-256, and the object by the checksum of these.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.new_object import condition
from vawsum_agent.aws.object_errors import Conflict, confirm, mapped_object

if TYPE_CHECKING:
    import contextlib
    import io
    from collections.abc import Iterator, Mapping, Sequence


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
class SentPart:
    """A part that S3 holds.

    Attributes:
        checksum: SHA-256, in Base64.
    """

    number: int
    etag: str
    checksum: str


class Uploads:
    """Threads may call it side by side.

    Args:
        client: of S3.
        bucket: of all objects.
        region: of the client, for messages.
    """

    def __init__(self, client: Any, bucket: str, region: str) -> None:  # noqa: ANN401 - botocore's
        self._client = client
        self._bucket = bucket
        self._region = region

    def begin(self, described: Mapping[str, object]) -> str:
        """Begin one; returns its id. Raises AwsError.

        Args:
            described: the object, as arguments for botocore.
        """
        with self._mapped("s3:PutObject", str(described["Key"])):
            begun = self._client.create_multipart_upload(
                Bucket=self._bucket, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE", **described
            )
            return str(begun["UploadId"])

    def send_part(self, key: str, upload_id: str, number: int, body: io.BufferedIOBase, digest: bytes) -> SentPart:
        """Send a part, in place of an earlier one of its number. Raises AwsError.

        Args:
            key: of the upload.
            upload_id: of the upload.
            number: from 1 to 10,000.
            body: at its beginning.
            digest: SHA-256 of it.
        """
        checksum = base64.b64encode(digest).decode("ascii")
        with self._mapped("s3:PutObject", key):
            answer = self._client.upload_part(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ChecksumSHA256=checksum,
            )
            etag = str(answer["ETag"])
        confirm(answer.get("ChecksumSHA256", ""), checksum, f"part {number} of s3://{self._bucket}/{key}")
        return SentPart(number, etag, checksum)

    def complete(self, key: str, upload_id: str, parts: Sequence[SentPart], if_match: str = "") -> str:
        """Make the object of its parts, in the order given; returns its ETag. Raises AwsError."""
        claims = [{"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": part.checksum} for part in parts]
        with self._mapped("s3:PutObject", key):
            answer = self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": claims},
                **condition(if_match),
            )
            etag = str(answer["ETag"])
        confirm(answer.get("ChecksumSHA256", ""), checksum_of(parts), f"s3://{self._bucket}/{key}")
        return etag

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


def checksum_of(parts: Sequence[SentPart]) -> str:
    """Give the checksum of an object in parts: that of its parts' checksums, and how many they are (API)."""
    digests = b"".join(base64.b64decode(part.checksum) for part in parts)
    return f"{base64.b64encode(hashlib.sha256(digests).digest()).decode('ascii')}-{len(parts)}"
