"""The folder of one application's releases in S3, for those who publish them and those who fetch them.

Objects go by their names below the folder. Nothing is written over an object that was not named by its ETag, nothing is
deleted, and a write is done only when S3 confirmed the checksum that was sent. Nothing is tried again here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.listing import listed_rows
from vawsum_agent.aws.new_object import SHA256_FIELD, NewObject, condition, in_blocks
from vawsum_agent.aws.object_errors import ObjectExists, confirm, mapped_object
from vawsum_agent.aws.s3_client import s3_client
from vawsum_agent.aws.streamed_upload import StreamedUpload
from vawsum_agent.aws.uploads import Uploads
from vawsum_agent.core.errors import NotFound, Rejected, Unavailable

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession

__all__ = ["ArtifactBucket", "ArtifactHead", "ArtifactRow", "Document", "ObjectExists", "StreamedUpload"]

_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Document:
    """A small object, all of it."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class ArtifactHead:
    """What is known of an object that is there.

    Attributes:
        checksum: SHA-256 in Base64, of an object in parts with ``-`` and their count; empty where it has none.
        sha256: of all its bytes in hex, as whoever stored it says; empty where nobody did.
    """

    size_bytes: int
    etag: str
    checksum: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ArtifactRow:
    """A row of a listing. ``modified_at`` is in seconds since the epoch, S3's clock."""

    name: str
    size_bytes: int
    modified_at: float


class ArtifactBucket:
    """The calls about releases. Threads may call side by side.

    Args:
        session: for credentials, region and endpoint.
        artifacts: the folder, as ``s3://bucket/prefix/``; in the session's region. It may be the whole bucket.
        origin: who writes, in ASCII; kept with each object.

    Every method raises, beside what it names itself:
        Throttled, Unavailable, AccessDenied: trying again may help; `Unavailable.maybe_done` tells whether a write may
            have been done.
        NotFound: the bucket does not exist, or not in this region.
        Rejected: the request makes no sense to S3.
    """

    def __init__(self, session: AwsSession, artifacts: str, origin: str = "vawsum-agent") -> None:
        self._bucket, _, self._prefix = artifacts.removeprefix("s3://").partition("/")
        self._origin = origin
        self._region = session.region
        # Every body has its SHA-256 in a signed header, or is held to one by whoever reads it.
        self._client: Any = s3_client(session, is_payload_signed=False)
        self._uploads = Uploads(self._client, self._bucket, session.region)

    def location(self, name: str) -> str:
        """Say where an object is, for people and other tools."""
        return f"s3://{self._bucket}/{self._prefix}{name}"

    def put_new(self, name: str, body: bytes, content_type: str) -> str:
        """Store an object where none is; returns its ETag. Raises ObjectExists where one is; nothing was written."""
        return self._put(name, body, content_type, "")

    def put_over(self, name: str, body: bytes, content_type: str, if_match: str) -> str:
        """Store an object in place of exactly the one with that ETag; returns its own.

        Raises:
            ObjectExists: another one is there; nothing was written.
            Conflict: it is being changed just now, or is gone; nothing was written.
        """
        return self._put(name, body, content_type, if_match)

    def begin_upload(self, name: str, content_type: str, sha256: bytes) -> StreamedUpload:
        """Begin an object that comes in parts. After `Unavailable` one may have been begun, which takes only room.

        Args:
            name: below the folder; nothing is there yet.
            content_type: of the object.
            sha256: digest of all its bytes, kept with it. Nobody but the caller holds the parts to it.
        """
        new = self._new(name, sha256, content_type)
        upload_id = self._uploads.begin(new.arguments())
        # If we die from here on, the parts lie in the bucket until its lifecycle rule aborts them; there is no object.
        return StreamedUpload(self._uploads, self._head, new.key, upload_id)

    def head(self, name: str) -> ArtifactHead | None:
        """Ask for an object, checksum included; None where there is none."""
        return self._head(self._prefix + name)

    def read(self, name: str, most_bytes: int) -> Document | None:
        """Read a small object as a whole; None where there is none.

        Raises:
            Rejected: it is larger than ``most_bytes``: none of ours.
        """
        key = self._prefix + name
        try:
            with self._mapped("s3:GetObject", key):
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                size_bytes = int(answer["ContentLength"])
                if size_bytes <= most_bytes:
                    return Document(answer["Body"].read(), answer["ETag"])
                answer["Body"].close()
        except NotFound as error:
            if error.code != "NoSuchKey":
                raise
            return None
        message = f"{self.location(name)}: {size_bytes} bytes, where at most {most_bytes} can be"
        raise Rejected(message, operation="GetObject", code="EntityTooLarge", hint="see who wrote it")

    def blocks(self, name: str, *, offset: int = 0, if_match: str = "") -> Iterator[bytes]:
        """Read an object from an offset to its end, by one request, made when the first block is asked for.

        Args:
            name: below the folder.
            offset: of the first byte, less than its size or nothing.
            if_match: the ETag of the only version that will do; empty for whatever is there.

        Yields:
            Blocks of bytes of up to 256 KiB, in order. That they are whole is the caller's to verify.

        Raises:
            NotFound: it is not there.
            ObjectExists: it is there with another ETag.
            Unavailable: among others when the connection breaks midway; what was given before is right, and the rest
                can be asked for, with the same ETag.
        """
        key = self._prefix + name
        wanted = {"Range": f"bytes={offset}-"} if offset else {}
        wanted |= {"IfMatch": if_match} if if_match else {}
        with self._mapped("s3:GetObject", key):
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **wanted)
            body, left = answer["Body"], int(answer["ContentLength"])
            is_it = not offset or answer["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.PARTIAL_CONTENT
        try:
            if not is_it:
                message = f"{self.location(name)}: asked for the bytes from {offset} on, and others are given"
                raise Rejected(message, operation="GetObject", code="InvalidRange")
            while left:
                with self._mapped("s3:GetObject", key):
                    block = body.read(_BLOCK_BYTES)
                if not block:
                    message = f"GetObject on {self.location(name)}: {left} bytes are missing at the end"
                    raise Unavailable(message, operation="GetObject", code="IncompleteBody", maybe_done=False)
                left -= len(block)
                yield block
        finally:
            body.close()

    def listing(self, beginning: str = "") -> Iterator[ArtifactRow]:
        """Give what is in the folder, in the order of the names; not what is in folders below it.

        Args:
            beginning: of the names that are wanted.
        """
        for row in listed_rows(self._client, self._bucket, self._prefix + beginning, self._region):
            name = str(row["Key"]).removeprefix(self._prefix)
            if "/" not in name:
                yield ArtifactRow(name, row["Size"], row["LastModified"].timestamp())

    def _put(self, name: str, body: bytes, content_type: str, if_match: str) -> str:
        new = self._new(name, hashlib.sha256(body).digest(), content_type)
        with self._mapped("s3:PutObject", new.key):
            answer = self._client.put_object(
                Bucket=self._bucket,
                Body=in_blocks(body),
                ChecksumSHA256=new.checksum,
                **new.arguments(),
                **condition(if_match),
            )
            etag = str(answer["ETag"])
        confirm(answer.get("ChecksumSHA256", ""), new.checksum, self.location(name))
        return etag

    def _head(self, key: str) -> ArtifactHead | None:
        try:
            with self._mapped("s3:GetObject", key):
                answer = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
                told = answer.get("Metadata", {}).get(SHA256_FIELD, "")
                return ArtifactHead(answer["ContentLength"], answer["ETag"], answer.get("ChecksumSHA256", ""), told)
        except NotFound as error:
            if error.code not in {"404", "NoSuchKey"}:
                raise
            return None

    def _new(self, name: str, sha256: bytes, content_type: str) -> NewObject:
        return NewObject(self._prefix + name, sha256, content_type, "", "", self._origin)

    def _mapped(self, action: str, key: str) -> contextlib.AbstractContextManager[None]:
        return mapped_object(action, self._bucket, key, self._region)
