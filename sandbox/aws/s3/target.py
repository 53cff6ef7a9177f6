"""Which operation, bucket and key a request names: by path, or by host and path. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote_to_bytes

from sandbox.aws.answers import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.wire import Head

KEY_LIMIT_BYTES = 1024
UNKNOWN = "Unknown"
BUCKET_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_VIRTUAL_HOST = re.compile(r"(.+)\.(?:localhost|s3[.-][a-z0-9.-]*amazonaws\.com)(?::\d+)?")
# The first of these in the query tells operations of one method apart.
_SUBRESOURCES = ("partNumber", "uploadId", "uploads", "tagging", "list-type", "location", "versions", "versioning",
                 "lifecycle")  # fmt: skip
_OTHERS = frozenset({
    "continuation-token", "delimiter", "encoding-type", "fetch-owner", "key-marker", "max-keys", "max-parts",
    "max-uploads", "part-number-marker", "prefix", "start-after", "upload-id-marker", "version-id-marker", "versionId",
    "x-id",
})  # fmt: skip
_OPERATIONS = {
    ("GET", "service", ""): "ListBuckets",
    ("PUT", "bucket", ""): "CreateBucket",
    ("HEAD", "bucket", ""): "HeadBucket",
    ("GET", "bucket", "location"): "GetBucketLocation",
    ("GET", "bucket", "list-type"): "ListObjectsV2",
    ("GET", "bucket", "versions"): "ListObjectVersions",
    ("GET", "bucket", "uploads"): "ListMultipartUploads",
    ("GET", "bucket", "versioning"): "GetBucketVersioning",
    ("PUT", "bucket", "versioning"): "PutBucketVersioning",
    ("GET", "bucket", "lifecycle"): "GetBucketLifecycleConfiguration",
    ("PUT", "bucket", "lifecycle"): "PutBucketLifecycleConfiguration",
    ("PUT", "object", ""): "PutObject",
    ("GET", "object", ""): "GetObject",
    ("HEAD", "object", ""): "HeadObject",
    ("DELETE", "object", ""): "DeleteObject",
    ("PUT", "object", "tagging"): "PutObjectTagging",
    ("GET", "object", "tagging"): "GetObjectTagging",
    ("POST", "object", "uploads"): "CreateMultipartUpload",
    ("PUT", "object", "partNumber"): "UploadPart",
    ("GET", "object", "uploadId"): "ListParts",
    ("POST", "object", "uploadId"): "CompleteMultipartUpload",
    ("DELETE", "object", "uploadId"): "AbortMultipartUpload",
}


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about. `operation` is `Unknown` for what the sandbox does not carry out."""

    operation: str
    bucket: str
    key: str
    query: Mapping[str, str]

    @property
    def place(self) -> str:
        """What a fault's `group` is compared with, such as `vawsum-images/uploads/a.jpg`."""
        text = f"{self.bucket}/{self.key}" if self.key else self.bucket
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def read_target(head: Head) -> Target:
    """Tell what a request is about, however wrong it is; bytes that are no UTF-8 stay visible in the key."""
    method, address, _ = (*head.start.split(" "), "", "")[:3]
    raw_path, _, raw_query = address.partition("?")
    path = unquote_to_bytes(raw_path.removeprefix("/")).decode("utf-8", "surrogateescape")
    hosted = _VIRTUAL_HOST.fullmatch(head.get("Host"))
    bucket, key = (hosted[1], path) if hosted else (*path.split("/", 1), "")[:2]
    query = dict(parse_qsl(raw_query, keep_blank_values=True))
    subresource = next((one for one in _SUBRESOURCES if one in query), "")
    level = "object" if key else "bucket" if bucket else "service"
    operation = _OPERATIONS.get((method, level, subresource), UNKNOWN)
    # A header that changes what the method means; copying is not carried out here.
    if head.get("x-amz-copy-source") or query.keys() - _OTHERS - set(_SUBRESOURCES):
        operation = UNKNOWN
    return Target(operation, bucket, key, query)


def check_target(target: Target, start: str) -> None:
    """Raise what is wrong with the operation or the key."""
    if target.operation == UNKNOWN:
        message = f"the sandbox does not know {start!r}"
        raise ServiceError("NotImplemented", message, status=501, is_violation=True)
    try:
        size = len(target.key.encode())
    except UnicodeEncodeError as exc:
        raise ServiceError("InvalidURI", "Couldn't parse the specified URI.", is_violation=True) from exc
    if size > KEY_LIMIT_BYTES:
        raise ServiceError("KeyTooLongError", "Your key is too long", is_violation=True)
    if "\0" in target.key:
        raise ServiceError("InvalidArgument", "Object key must not contain NUL", is_violation=True)
