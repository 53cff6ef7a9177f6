"""Multipart uploads: what has come in so far, and the rules by which parts become an object."""

from __future__ import annotations

import base64
import hashlib
import threading
import uuid
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from sandbox.aws.s3.bodies import Content
from sandbox.aws.s3.errors import invalid_request, no_such_upload
from sandbox.aws.s3.incoming import CHECKSUM_PREFIX, HASHERS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree import ElementTree as ET

    from sandbox.aws.s3.attributes import Attributes
    from sandbox.aws.s3.bodies import Span
    from sandbox.aws.s3.encryption import Encryption
    from sandbox.aws.wire import Head

PARTS_LIMIT_COUNT = 10_000
PART_LEAST_BYTES = 5 * 1024**2


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it came in; `checksums` in Base64, by algorithm, none or one."""

    number: int
    span: Span
    etag: str
    md5: bytes
    checksums: dict[str, str]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A part as the request that completes an upload names it."""

    number: int
    etag: str
    checksums: dict[str, str]


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload under way. `algorithm` is that of its checksums, empty where none was asked for."""

    upload_id: str
    bucket: str
    key: str
    at_ms: int
    attributes: Attributes
    encryption: Encryption
    algorithm: str
    parts: dict[int, Part] = field(default_factory=dict)


class Uploads:
    """All uploads under way. Threads may call it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uploads: dict[str, Upload] = {}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._uploads.clear()

    def add(self, upload: Upload) -> None:
        """Begin an upload."""
        with self._lock:
            self._uploads[upload.upload_id] = upload

    def find(self, bucket: str, key: str, upload_id: str) -> Upload:
        """Return an upload under way, or raise NoSuchUpload."""
        with self._lock:
            found = self._uploads.get(upload_id)
        if found is None or (found.bucket, found.key) != (bucket, key):
            raise no_such_upload()
        return found

    def put_part(self, upload: Upload, part: Part) -> None:
        """Take a part in, in place of an earlier one of its number."""
        with self._lock:
            if upload.upload_id not in self._uploads:
                raise no_such_upload()
            upload.parts[part.number] = part

    def end(self, upload: Upload) -> None:
        """End an upload, completed or aborted; raises NoSuchUpload where somebody else was faster."""
        with self._lock:
            if self._uploads.pop(upload.upload_id, None) is None:
                raise no_such_upload()

    def of(self, bucket: str) -> list[Upload]:
        """Return a bucket's uploads under way, by key and then by time."""
        with self._lock:
            found = [one for one in self._uploads.values() if one.bucket == bucket]
        return sorted(found, key=lambda one: (one.key.encode(), one.at_ms, one.upload_id))


def new_upload_id() -> str:
    """Return the id of an upload that begins."""
    return uuid.uuid4().hex + uuid.uuid4().hex


def read_algorithm(head: Head) -> str:
    """Return the algorithm by which an upload's checksums are to be made, empty for none."""
    name = head.get("x-amz-checksum-algorithm").lower()
    if name and name not in {"crc32", "sha1", "sha256"}:
        raise invalid_request(f"the sandbox does not know checksums by {name}")
    if head.get("x-amz-checksum-type") not in {"", "COMPOSITE"}:
        kind = head.get("x-amz-checksum-type")
        raise invalid_request(f"The {kind} checksum type cannot be used with the {name} checksum algorithm.")
    return name


def read_part_number(text: str) -> int:
    """Return the number of a part."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= PARTS_LIMIT_COUNT:
        message = f"Part number must be an integer between 1 and {PARTS_LIMIT_COUNT}, inclusive"
        raise invalid_request(message, "InvalidArgument")
    return int(text)


def check_algorithm(upload: Upload, checksums: dict[str, str]) -> None:
    """Raise unless a part comes with the checksum that its upload was begun with."""
    if upload.algorithm and upload.algorithm not in checksums:
        actual = next(iter(checksums), "null")
        raise invalid_request(
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.algorithm}, "
            f"actual checksum Type: {actual}"
        )


def read_claims(root: ET.Element) -> list[Claim]:
    """Return the parts that a request names to make an object of."""
    claims = []
    for element in root.findall("Part"):
        texts = {child.tag: (child.text or "").strip() for child in element}
        if not texts.get("PartNumber", "").isdigit() or not texts.get("ETag"):
            raise _malformed()
        checksums = {
            name.removeprefix("Checksum").lower(): text for name, text in texts.items() if name.startswith("Checksum")
        }
        claims.append(Claim(int(texts["PartNumber"]), texts["ETag"].strip('"'), checksums))
    if not claims or len(claims) > PARTS_LIMIT_COUNT:
        raise _malformed()
    return claims


def match_parts(upload: Upload, claims: Sequence[Claim]) -> list[Part]:
    """Return the parts that an object is made of, or raise what forbids it."""
    numbers = [claim.number for claim in claims]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        raise invalid_request(message, "InvalidPartOrder")
    parts = [_matched(upload, claim) for claim in claims]
    if any(part.span.size_bytes < PART_LEAST_BYTES for part in parts[:-1]):
        raise invalid_request("Your proposed upload is smaller than the minimum allowed size", "EntityTooSmall")
    return parts


def _matched(upload: Upload, claim: Claim) -> Part:
    part = upload.parts.get(claim.number)
    if upload.algorithm and upload.algorithm not in claim.checksums:
        raise invalid_request(
            f"The upload was created using a {upload.algorithm} checksum. The complete request must include the "
            f"checksum for each part. It was missing for part {claim.number} in the request."
        )
    if part is None or part.etag != claim.etag or not claim.checksums.items() <= part.checksums.items():
        message = (
            "One or more of the specified parts could not be found.  The part may not have been uploaded, "
            "or the specified entity tag may not match the part's entity tag."
        )
        raise invalid_request(message, "InvalidPart")
    return part


def content_of(parts: Sequence[Part]) -> Content:
    """Return the body that parts are, one after the other."""
    return Content(tuple(part.span for part in parts))


def composite(upload: Upload, parts: Sequence[Part], head: Head) -> dict[str, str]:
    """Return the checksum of the parts' checksums, and raise BadDigest where the client expects another."""
    name = upload.algorithm
    if not name:
        return {}
    hasher = HASHERS[name]()
    for part in parts:
        hasher.update(base64.b64decode(part.checksums[name]))
    made = base64.b64encode(hasher.digest()).decode()
    wanted = head.get(CHECKSUM_PREFIX + name)
    if wanted and wanted not in {made, f"{made}-{len(parts)}"}:
        raise invalid_request(f"The {name} you specified did not match the calculated checksum.", "BadDigest")
    return {name: f"{made}-{len(parts)}"}


def check_total(head: Head, size_bytes: int) -> None:
    """Raise where the client expects an object of another size."""
    wanted = head.get("x-amz-mp-object-size")
    if wanted and wanted != str(size_bytes):
        raise invalid_request(
            f"The provided 'x-amz-mp-object-size' header value {wanted} does not match what was computed: {size_bytes}"
        )


def etag_of(parts: Sequence[Part]) -> str:
    """Return the MD5 of the parts' MD5s and their count, S3's tag of an object without KMS."""
    joined = b"".join(part.md5 for part in parts)
    return f"{hashlib.md5(joined, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _malformed() -> Exception:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return invalid_request(message, "MalformedXML")
