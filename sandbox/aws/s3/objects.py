"""The operations on objects: put, get, head, delete, tags."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.answers import XML, S3Answer
from sandbox.aws.s3.attributes import META_PREFIX, checked_tags, read_attributes
from sandbox.aws.s3.bodies import Content
from sandbox.aws.s3.call import checksum_fields
from sandbox.aws.s3.conditions import check_read, check_write, read_range
from sandbox.aws.s3.encryption import read_encryption
from sandbox.aws.s3.listing import checksum_type
from sandbox.aws.s3.store import Version
from sandbox.aws.s3.xml import document, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.books import Books
    from sandbox.aws.s3.answers import Fields
    from sandbox.aws.s3.call import Call, Permissions
    from sandbox.aws.s3.store import Store
    from sandbox.aws.wire import Head


class ObjectOperations:
    """Carries out what concerns one object."""

    def __init__(self, store: Store, permissions: Permissions, books: Books) -> None:
        self._store = store
        self._permissions = permissions
        self._books = books
        self.operations: dict[str, Callable[[Call], S3Answer]] = {
            "PutObject": self._put,
            "GetObject": self._get,
            "HeadObject": self._get,
            "DeleteObject": self._delete,
            "PutObjectTagging": self._put_tags,
            "GetObjectTagging": self._get_tags,
        }

    def _put(self, call: Call) -> S3Answer:
        bucket = self._store.bucket(call.target.bucket)
        encryption = read_encryption(call.head, bucket.kms_key_id)
        self._permissions.use_key(call, encryption.key_arn)
        wanted = Version(
            key=call.target.key,
            version_id="",
            at_ms=call.now_ms,
            request_id=call.request_id,
            etag=call.etag(encryption.key_arn),
            content=Content((call.span,) if call.span else ()),
            sha256=call.incoming.digests["sha256"].hex(),
            attributes=read_attributes(call.head),
            encryption=encryption,
            checksums=call.checksums,
        )
        made = self._store.put(bucket, wanted, partial(check_write, call.head))
        self._books.add(objects_stored=1, object_bytes_stored=made.size_bytes)
        fields = (("ETag", f'"{made.etag}"'), *checksum_fields(call.checksums, "FULL_OBJECT"))
        return S3Answer(200, (*fields, *version_fields(made)))

    def _found(self, call: Call) -> Version:
        """Return the version that a request names, the current one unless it says which."""
        bucket, key, wanted = (
            self._store.bucket(call.target.bucket),
            call.target.key,
            call.target.query.get("versionId"),
        )
        if wanted is None:
            version = bucket.current(key)
        else:
            version = next((one for one in bucket.keys.get(key, ()) if one.version_id == wanted), None)
        if version is None:
            raise self._permissions.missing(call)
        if version.is_marker:
            message = "The specified method is not allowed against this resource."
            raise ServiceError("MethodNotAllowed", message, status=405)
        return version

    def _get(self, call: Call) -> S3Answer:
        version = self._found(call)
        self._permissions.use_key(call, version.encryption.key_arn)
        tags = version.attributes.tags
        count = (("x-amz-tagging-count", str(len(tags))),) if tags else ()
        return read_answer(version, call.head, (*version_fields(version), *count))

    def _delete(self, call: Call) -> S3Answer:
        bucket, version_id = self._store.bucket(call.target.bucket), call.target.query.get("versionId")
        if version_id is not None:
            self._store.delete_version(bucket, call.target.key, version_id)
            return S3Answer(204, (("x-amz-version-id", version_id),))
        wanted = Version(key=call.target.key, version_id="", at_ms=call.now_ms, request_id=call.request_id)
        marker = self._store.delete(bucket, wanted)
        fields = () if marker is None else (("x-amz-delete-marker", "true"), *id_fields(marker))
        return S3Answer(204, fields)

    def _put_tags(self, call: Call) -> S3Answer:
        root = parse(call.body, "Tagging")
        pairs = [(tag.findtext("Key") or "", tag.findtext("Value") or "") for tag in root.iter("Tag")]
        with self._store.lock:
            version = self._found(call)
            self._store.retag(self._store.bucket(call.target.bucket), version, checked_tags(dict(pairs)))
        return S3Answer(200, id_fields(version))

    def _get_tags(self, call: Call) -> S3Answer:
        version = self._found(call)
        rows = [{"Key": key, "Value": value} for key, value in version.attributes.tags.items()]
        return S3Answer(200, (*id_fields(version), XML), document("Tagging", {"TagSet": {"Tag": rows}}))


def read_answer(version: Version, head: Head, more: Fields = ()) -> S3Answer:
    """Return a version, or the part of it that a Range asks for; `more` are headers beside what everybody may see."""
    check_read(head, version)
    content = version.content or Content()
    fields = (*version.identity(), ("Accept-Ranges", "bytes"), *_attribute_fields(version), *more)
    wanted = read_range(head.get("Range"), content.size_bytes)
    if wanted is None:
        if head.get("x-amz-checksum-mode").upper() == "ENABLED":
            fields = (*fields, *checksum_fields(version.checksums, checksum_type(version)))
        return S3Answer(200, fields, content=content)
    first, last = wanted
    where = ("Content-Range", f"bytes {first}-{last}/{content.size_bytes}")
    return S3Answer(206, (*fields, where), content=content.part(first, last - first + 1))


def _attribute_fields(version: Version) -> Fields:
    attributes = version.attributes
    metadata = tuple((META_PREFIX + name, value) for name, value in attributes.metadata.items())
    return (("Content-Type", attributes.content_type), *attributes.fields, *metadata)


def version_fields(version: Version) -> Fields:
    """Return what only who may ask S3 itself sees of a version: its id, and how it is encrypted."""
    return (*id_fields(version), *version.encryption.fields)


def id_fields(version: Version) -> Fields:
    """Return the header that names a version, where the bucket keeps them."""
    return () if version.version_id == "null" else (("x-amz-version-id", version.version_id),)
