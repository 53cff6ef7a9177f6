"""The operations on multipart uploads."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.answers import XML, S3Answer
from sandbox.aws.s3.attributes import read_attributes
from sandbox.aws.s3.call import checksum_fields
from sandbox.aws.s3.conditions import check_write
from sandbox.aws.s3.encryption import read_encryption
from sandbox.aws.s3.errors import invalid_request
from sandbox.aws.s3.listing import list_parts, list_uploads
from sandbox.aws.s3.objects import version_fields
from sandbox.aws.s3.store import Version
from sandbox.aws.s3.uploads import (
    Part,
    Upload,
    check_algorithm,
    check_total,
    composite,
    content_of,
    etag_of,
    match_parts,
    new_upload_id,
    read_algorithm,
    read_claims,
    read_part_number,
)
from sandbox.aws.s3.xml import document, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.books import Books
    from sandbox.aws.s3.call import Call, Permissions
    from sandbox.aws.s3.store import Bucket, Store
    from sandbox.aws.s3.uploads import Uploads


class MultipartOperations:
    """Carries out what concerns multipart uploads."""

    def __init__(self, store: Store, uploads: Uploads, permissions: Permissions, books: Books) -> None:
        self._store = store
        self._uploads = uploads
        self._permissions = permissions
        self._books = books
        self.operations: dict[str, Callable[[Call], S3Answer]] = {
            "CreateMultipartUpload": self._create,
            "UploadPart": self._upload_part,
            "CompleteMultipartUpload": self._complete,
            "AbortMultipartUpload": self._abort,
            "ListMultipartUploads": self._list,
            "ListParts": self._list_parts,
        }

    def _create(self, call: Call) -> S3Answer:
        bucket, key = self._store.bucket(call.target.bucket), call.target.key
        encryption = read_encryption(call.head, bucket.kms_key_id)
        self._permissions.use_key(call, encryption.key_arn)
        upload = Upload(
            new_upload_id(),
            bucket.name,
            key,
            call.now_ms,
            read_attributes(call.head),
            encryption,
            read_algorithm(call.head),
        )
        self._uploads.add(upload)
        name = upload.algorithm.upper()
        fields = (("x-amz-checksum-algorithm", name), ("x-amz-checksum-type", "COMPOSITE")) if name else ()
        made = {"Bucket": bucket.name, "Key": key, "UploadId": upload.upload_id}
        return S3Answer(200, (*fields, *encryption.fields, XML), document("InitiateMultipartUploadResult", made))

    def _found(self, call: Call) -> Upload:
        self._store.bucket(call.target.bucket)
        return self._uploads.find(call.target.bucket, call.target.key, call.target.query["uploadId"])

    def _upload_part(self, call: Call) -> S3Answer:
        if "uploadId" not in call.target.query:
            raise invalid_request("This operation does not accept a query-string.", "InvalidArgument")
        number, upload = read_part_number(call.target.query["partNumber"]), self._found(call)
        key_arn = upload.encryption.key_arn
        self._permissions.use_key(call, key_arn)
        check_algorithm(upload, dict(call.checksums))
        if call.span is None:
            raise ServiceError("InternalFailure", status=500)
        md5 = call.incoming.digests["md5"]
        part = Part(number, call.span, call.etag(key_arn), md5, dict(call.checksums), call.now_ms)
        self._uploads.put_part(upload, part)
        fields = (("ETag", f'"{part.etag}"'), *checksum_fields(call.checksums, "")[:-1])
        return S3Answer(200, (*fields, *upload.encryption.fields))

    def _complete(self, call: Call) -> S3Answer:
        upload, claims = self._found(call), read_claims(parse(call.body, "CompleteMultipartUpload"))
        self._permissions.use_key(call, upload.encryption.key_arn)
        parts = match_parts(upload, claims)
        content = content_of(parts)
        check_total(call.head, content.size_bytes)
        key_arn = upload.encryption.key_arn
        wanted = Version(
            key=upload.key,
            version_id="",
            at_ms=call.now_ms,
            request_id=call.request_id,
            etag=f"{call.etag(key_arn)}-{len(parts)}" if key_arn else etag_of(parts),
            content=content,
            attributes=upload.attributes,
            encryption=upload.encryption,
            checksums=composite(upload, parts, call.head),
            part_count=len(parts),
        )
        return self._publish(call, self._store.bucket(upload.bucket), upload, wanted)

    def _publish(self, call: Call, bucket: Bucket, upload: Upload, wanted: Version) -> S3Answer:
        """Make the object, and end the upload; a condition that does not hold leaves the upload as it is."""
        with self._store.lock:
            made = self._store.put(bucket, wanted, partial(self._check, call, upload))
        self._books.add(objects_stored=1, object_bytes_stored=made.size_bytes)
        result = {
            "Location": f"/{bucket.name}/{made.key}",
            "Bucket": bucket.name,
            "Key": made.key,
            "ETag": f'"{made.etag}"',
            **{f"Checksum{name.upper()}": text for name, text in made.checksums.items()},
            **({"ChecksumType": "COMPOSITE"} if made.checksums else {}),
        }
        fields = (*version_fields(made), XML)
        return S3Answer(200, fields, document("CompleteMultipartUploadResult", result))

    def _check(self, call: Call, upload: Upload, current: Version | None) -> None:
        check_write(call.head, current)
        self._uploads.end(upload)

    def _abort(self, call: Call) -> S3Answer:
        self._uploads.end(self._found(call))
        return S3Answer(204)

    def _list(self, call: Call) -> S3Answer:
        bucket = self._store.bucket(call.target.bucket).name
        page = list_uploads(bucket, self._uploads.of(bucket), call.target.query)
        return S3Answer(200, (XML,), document("ListMultipartUploadsResult", page))

    def _list_parts(self, call: Call) -> S3Answer:
        upload = self._found(call)
        parts = [upload.parts[number] for number in sorted(upload.parts)]
        return S3Answer(200, (XML,), document("ListPartsResult", list_parts(upload, parts, call.target.query)))
