"""What a bucket's stand-in keeps and how it answers: objects, whole or in parts, with the conditions backups rely on.

No rule of the service is checked, no body is hashed: what came with a checksum is confirmed as it came.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import threading
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHECKSUM = "x-amz-checksum-sha256"
_PART_NUMBER = re.compile(rb"<PartNumber>(\d+)</PartNumber>")
_AT = "%Y-%m-%dT%H:%M:%S.000Z"


@dataclass(frozen=True, slots=True)
class Kept:
    """An object: the bodies of its parts, in order."""

    parts: Sequence[bytes | bytearray]
    etag: str
    checksum: str
    at: float

    @property
    def size_bytes(self) -> int:
        """Of all parts."""
        return sum(map(len, self.parts))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes | bytearray

    @property
    def key(self) -> str:
        """Bucket and key."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """Parameters; empty where they have no value."""
        parsed = parse_qs(self.target.partition("?")[2], keep_blank_values=True)
        return {name: values[0] for name, values in parsed.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; the blocks are the body, one after the other."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    blocks: Sequence[bytes | bytearray | memoryview] = ()


class Keeping:
    """All buckets. Threads may call it at once."""

    def __init__(self) -> None:
        self._objects: dict[str, Kept] = {}
        self._uploads: dict[str, dict[int, tuple[bytes | bytearray, str]]] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)

    def answer(self, asked: Asked) -> Answer:
        """Do what is asked for."""
        query = asked.query
        if "tagging" in query:
            return _xml("<Tagging><TagSet></TagSet></Tagging>") if asked.method == "GET" else Answer()
        if "lifecycle" in query:
            return _error(404, "NoSuchLifecycleConfiguration")
        if "uploads" in query and asked.method == "GET":
            return _xml("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>")
        if "list-type" in query:
            return self._list(asked.key, query.get("prefix", ""))
        if "uploadId" in query or "uploads" in query:
            return self._multipart(asked, query)
        return self._put(asked) if asked.method == "PUT" else self._get(asked)

    def _multipart(self, asked: Asked, query: Mapping[str, str]) -> Answer:
        if "uploads" in query:
            upload_id = f"upload-{next(self._numbers)}"
            self._uploads[upload_id] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
            )
        upload_id = query["uploadId"]
        if asked.method == "DELETE":
            self._uploads.pop(upload_id, None)
            return Answer(204)
        if asked.method == "PUT":
            checksum = asked.headers.get(_CHECKSUM, "")
            self._uploads[upload_id][int(query["partNumber"])] = (asked.body, checksum)
            return Answer(200, {"ETag": f'"{query["partNumber"]}"', **({_CHECKSUM: checksum} if checksum else {})})
        parts = self._uploads.pop(upload_id)
        chosen = [parts[int(number)] for number in _PART_NUMBER.findall(asked.body)]
        checksum = _composite([checksum for _, checksum in chosen])
        made = self._keep(asked, [body for body, _ in chosen], checksum)
        if made is None:
            return _error(412, "PreconditionFailed")
        told = f"<ChecksumSHA256>{made.checksum}</ChecksumSHA256>" if made.checksum else ""
        return _xml(
            f"<CompleteMultipartUploadResult><ETag>{escape(made.etag)}</ETag>{told}</CompleteMultipartUploadResult>"
        )

    def _put(self, asked: Asked) -> Answer:
        made = self._keep(asked, [asked.body], asked.headers.get(_CHECKSUM, ""))
        if made is None:
            return _error(412, "PreconditionFailed")
        return Answer(200, {"ETag": made.etag, **({_CHECKSUM: made.checksum} if made.checksum else {})})

    def _keep(self, asked: Asked, parts: Sequence[bytes | bytearray], checksum: str) -> Kept | None:
        """Store an object; None where the condition doesn't hold."""
        with self._lock:
            there = self._objects.get(asked.key)
            if "if-none-match" in asked.headers and there is not None:
                return None
            if "if-match" in asked.headers and (there is None or there.etag != asked.headers["if-match"]):
                return None
            made = Kept(parts, f'"bench-{next(self._numbers)}"', checksum, time.time())
            self._objects[asked.key] = made
            return made

    def _get(self, asked: Asked) -> Answer:
        there = self._objects.get(asked.key)
        if there is None:
            return _error(404, "NoSuchKey")
        if asked.headers.get("if-match", there.etag) != there.etag:
            return _error(412, "PreconditionFailed")
        size, status = there.size_bytes, 200
        first, last = 0, size - 1
        headers = {"ETag": there.etag, "Last-Modified": formatdate(there.at, usegmt=True)}
        if "range" in asked.headers:
            first_text, _, last_text = asked.headers["range"].removeprefix("bytes=").partition("-")
            first, last, status = int(first_text), min(int(last_text or last), last), 206
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        elif there.checksum:
            headers[_CHECKSUM] = there.checksum
        if asked.method == "HEAD":
            return Answer(200, {**headers, "Content-Length": str(size)})
        return Answer(status, headers, _cut(there.parts, first, last + 1))

    def _list(self, bucket: str, prefix: str) -> Answer:
        bucket = f"{bucket.rstrip('/')}/"
        rows = "".join(
            f"<Contents><Key>{escape(key.removeprefix(bucket))}</Key><Size>{kept.size_bytes}</Size>"
            f"<ETag>{escape(kept.etag)}</ETag>"
            f"<LastModified>{time.strftime(_AT, time.gmtime(kept.at))}</LastModified></Contents>"
            for key, kept in sorted(self._objects.items())
            if key.startswith(bucket + prefix)
        )
        return _xml(f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>")


def _composite(checksums: Sequence[str]) -> str:
    """Return the checksum of an object in parts, where each of them came with one."""
    if not all(checksums):
        return ""
    digest = hashlib.sha256(b"".join(base64.b64decode(checksum) for checksum in checksums)).digest()
    return f"{base64.b64encode(digest).decode()}-{len(checksums)}"


def _cut(parts: Sequence[bytes | bytearray], first: int, end: int) -> list[memoryview]:
    """Return a run of bytes of the parts, without copying them."""
    found, at = [], 0
    for part in parts:
        if at < end and first < at + len(part):
            found.append(memoryview(part)[max(0, first - at) : end - at])
        at += len(part)
    return found


def _xml(text: str, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "application/xml"}, [f'<?xml version="1.0"?>{text}'.encode()])


def _error(status: int, code: str) -> Answer:
    return _xml(f"<Error><Code>{code}</Code><Message>{code}</Message></Error>", status)
