"""What a request says of the object it makes: type, metadata, tags; and which headers it may have at all. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sandbox.aws.account import ACCOUNT_ID
from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.errors import invalid_request
from sandbox.aws.s3.incoming import CHECKSUM_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.s3.answers import Fields
    from sandbox.aws.wire import Head

META_PREFIX = "x-amz-meta-"
METADATA_LIMIT_BYTES = 2048
TAGS_LIMIT_COUNT = 10
DEFAULT_TYPE = "binary/octet-stream"
KEPT = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires")
_ALWAYS = frozenset({
    "x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-expected-bucket-owner",
    "x-amz-sdk-checksum-algorithm", "x-amz-security-token", "x-amz-trailer", "x-amz-user-agent",
})  # fmt: skip
_OF_WRITES = frozenset({
    "x-amz-acl", "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled", "x-amz-storage-class", "x-amz-tagging",
})  # fmt: skip
_WITH_OBJECT = frozenset({"PutObject", "CreateMultipartUpload"})
_OF_OPERATION: dict[str, frozenset[str]] = {
    "PutObject": _OF_WRITES,
    "CreateMultipartUpload": _OF_WRITES,
    "CompleteMultipartUpload": frozenset({"x-amz-mp-object-size"}),
    "CreateBucket": frozenset({"x-amz-acl"}),
}


@dataclass(frozen=True, slots=True)
class Attributes:
    """What an object has beside its body.

    Attributes:
        content_type: as given, or S3's default.
        fields: other headers of its content, as given.
        metadata: what the owner notes, names in small letters, without prefix.
        tags: by key.
    """

    content_type: str
    fields: Fields
    metadata: Mapping[str, str]
    tags: Mapping[str, str]


def check_headers(operation: str, head: Head) -> None:
    """Raise what is wrong with the headers that are S3's own: what they change must be known here."""
    allowed = _ALWAYS | _OF_OPERATION.get(operation, frozenset())
    for name in {name.lower() for name, _ in head.fields}:
        is_known = name in allowed or name.startswith(CHECKSUM_PREFIX)
        if operation in _WITH_OBJECT and name.startswith(META_PREFIX):
            is_known = True
        if name.startswith("x-amz-") and not is_known:
            raise invalid_request(f"{name} header is not supported for this operation.", "InvalidArgument")
    owner = head.get("x-amz-expected-bucket-owner")
    if owner and owner != ACCOUNT_ID:
        raise ServiceError("AccessDenied", "Access Denied", status=403)


def read_attributes(head: Head) -> Attributes:
    """Return what a request says of the object.

    Raises:
        ServiceError: it says too much, or what no bucket of today takes.
    """
    if head.get("x-amz-acl") not in {"", "private", "bucket-owner-full-control"}:
        raise invalid_request("The bucket does not allow ACLs", "AccessControlListNotSupported")
    if head.get("x-amz-storage-class") not in {"", "STANDARD"}:
        message = f"the sandbox does not know storage class {head.get('x-amz-storage-class')}"
        raise ServiceError("NotImplemented", message, status=501, is_violation=True)
    metadata = {
        name.lower().removeprefix(META_PREFIX): value
        for name, value in head.fields
        if name.lower().startswith(META_PREFIX)
    }
    if sum(len(name) + len(value) for name, value in metadata.items()) > METADATA_LIMIT_BYTES:
        raise invalid_request("Your metadata headers exceed the maximum allowed metadata size", "MetadataTooLarge")
    fields = tuple((name, value) for name in KEPT if (value := _kept(head, name)))
    tags = dict(parse_qsl(head.get("x-amz-tagging"), keep_blank_values=True))
    return Attributes(head.get("Content-Type") or DEFAULT_TYPE, fields, metadata, checked_tags(tags))


def _kept(head: Head, name: str) -> str:
    """Return what of a header belongs to the object; aws-chunked is the request's alone."""
    value = head.get(name)
    if name != "Content-Encoding":
        return value
    return ",".join(one.strip() for one in value.split(",") if one.strip() not in {"aws-chunked", ""})


def checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Return tags that S3 takes, or raise its error."""
    if len(tags) > TAGS_LIMIT_COUNT:
        raise invalid_request("Object tags cannot be greater than 10", "BadRequest")
    for key, value in tags.items():
        if not 1 <= len(key) <= 128 or key.startswith("aws:"):
            raise invalid_request("The TagKey you have provided is invalid", "InvalidTag")
        if len(value) > 256:
            raise invalid_request("The TagValue you have provided is invalid", "InvalidTag")
    return tags
