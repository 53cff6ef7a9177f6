"""An object that is to be stored: as arguments for botocore, and as the headers that come of them. Pure."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

SHA256_FIELD = "vawsum-sha256"
ORIGIN_FIELD = "vawsum-origin"


@dataclass(frozen=True, slots=True)
class NewObject:
    """What is known of an object before it is sent.

    Attributes:
        key: any text of up to 1,024 bytes of UTF-8.
        sha256: digest of all its bytes, 32 of them.
        cache_control: empty for none.
        kms_key_id: empty: as the bucket encrypts.
        origin: opaque, ASCII; who writes it.
    """

    key: str
    sha256: bytes
    content_type: str
    cache_control: str
    kms_key_id: str
    origin: str

    @property
    def checksum(self) -> str:
        """The digest as S3 writes it."""
        return base64.b64encode(self.sha256).decode("ascii")

    def arguments(self) -> dict[str, object]:
        """Describe it for botocore: what PutObject and CreateMultipartUpload have in common."""
        described: dict[str, object] = {
            "Key": self.key,
            "ContentType": self.content_type,
            "Metadata": {SHA256_FIELD: self.sha256.hex(), ORIGIN_FIELD: self.origin},
        }
        if self.cache_control:
            described["CacheControl"] = self.cache_control
        if self.kms_key_id:
            described |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.kms_key_id}
        return described

    def headers(self) -> dict[str, str]:
        """Describe it as botocore does to PutObject, checksum included; names are in lower case."""
        described = {
            "content-type": self.content_type,
            "x-amz-checksum-sha256": self.checksum,
            f"x-amz-meta-{ORIGIN_FIELD}": self.origin,
            f"x-amz-meta-{SHA256_FIELD}": self.sha256.hex(),
        }
        if self.cache_control:
            described["cache-control"] = self.cache_control
        if self.kms_key_id:
            described["x-amz-server-side-encryption"] = "aws:kms"
            described["x-amz-server-side-encryption-aws-kms-key-id"] = self.kms_key_id
        return described


def in_blocks(body: bytes) -> io.BytesIO:
    """Give a body to urllib3 in a form that it sends block by block, each with the time that a connection has.

    Bytes are one write to it, all of which has to get through within the time in which a connection must be open: a
    large picture on a slow line never would.
    """
    return io.BytesIO(body)


def condition(if_match: str) -> dict[str, str]:
    """Say, as arguments for botocore, over what may be written: the object with that ETag, or none when it is empty."""
    return {"IfMatch": if_match} if if_match else {"IfNoneMatch": "*"}
