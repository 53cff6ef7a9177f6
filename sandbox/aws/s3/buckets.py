"""The operations on buckets: make, ask, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.aws.account import REGION
from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.answers import XML, S3Answer
from sandbox.aws.s3.errors import invalid_request
from sandbox.aws.s3.listing import OWNER, iso, list_objects, list_versions
from sandbox.aws.s3.store import Bucket
from sandbox.aws.s3.target import BUCKET_NAME
from sandbox.aws.s3.xml import document, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.s3.call import Call
    from sandbox.aws.s3.store import Store


class BucketOperations:
    """Carries out what concerns whole buckets."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.operations: dict[str, Callable[[Call], S3Answer]] = {
            "ListBuckets": self._list_buckets,
            "CreateBucket": self._create,
            "HeadBucket": self._head,
            "GetBucketLocation": self._location,
            "GetBucketVersioning": self._versioning,
            "PutBucketVersioning": self._put_versioning,
            "GetBucketLifecycleConfiguration": self._lifecycle,
            "PutBucketLifecycleConfiguration": self._put_lifecycle,
            "ListObjectsV2": self._list_objects,
            "ListObjectVersions": self._list_versions,
        }

    def _list_buckets(self, _call: Call) -> S3Answer:
        rows = [{"Name": one.name, "CreationDate": iso(one.at_ms)} for one in self._store.buckets()]
        body = document("ListAllMyBucketsResult", {"Owner": OWNER, "Buckets": {"Bucket": rows}})
        return S3Answer(200, (XML,), body)

    def _create(self, call: Call) -> S3Answer:
        name = call.target.bucket
        check_name(name)
        # As the real one: a new bucket keeps no versions unless told so.
        if not self._store.add(Bucket(name, call.now_ms, is_versioned=False)):
            message = "Your previous request to create the named bucket succeeded and you already own it."
            raise ServiceError("BucketAlreadyOwnedByYou", message, status=409)
        return S3Answer(200, (("Location", f"/{name}"),))

    def _head(self, call: Call) -> S3Answer:
        self._store.bucket(call.target.bucket)
        return S3Answer(200, (("x-amz-bucket-region", REGION), XML))

    def _location(self, call: Call) -> S3Answer:
        self._store.bucket(call.target.bucket)
        body = f'<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{REGION}</LocationConstraint>'
        return S3Answer(200, (XML,), body.encode())

    def _versioning(self, call: Call) -> S3Answer:
        status = {"Status": "Enabled"} if self._store.bucket(call.target.bucket).is_versioned else {}
        return S3Answer(200, (XML,), document("VersioningConfiguration", status))

    def _put_versioning(self, call: Call) -> S3Answer:
        bucket = self._store.bucket(call.target.bucket)
        status = parse(call.body, "VersioningConfiguration").findtext("Status")
        if status not in {"Enabled", "Suspended"}:
            raise invalid_request("The Versioning element must be specified", "IllegalVersioningConfigurationException")
        bucket.is_versioned = status == "Enabled"
        return S3Answer()

    def _lifecycle(self, call: Call) -> S3Answer:
        body = self._store.bucket(call.target.bucket).lifecycle
        if not body:
            message = "The lifecycle configuration does not exist"
            raise ServiceError("NoSuchLifecycleConfiguration", message, status=404)
        return S3Answer(200, (XML,), body)

    def _put_lifecycle(self, call: Call) -> S3Answer:
        bucket = self._store.bucket(call.target.bucket)
        check_lifecycle(call.body)
        bucket.lifecycle = call.body
        return S3Answer()

    def _list_objects(self, call: Call) -> S3Answer:
        if call.target.query["list-type"] != "2":
            raise invalid_request("list-type must be 2", "InvalidArgument")
        bucket = self._store.bucket(call.target.bucket)
        with self._store.lock:
            objects = bucket.objects(call.target.query.get("prefix", ""))
        body = document("ListBucketResult", list_objects(bucket.name, objects, call.target.query))
        return S3Answer(200, (XML,), body)

    def _list_versions(self, call: Call) -> S3Answer:
        bucket, prefix = self._store.bucket(call.target.bucket), call.target.query.get("prefix", "")
        with self._store.lock:
            keys = sorted((key for key in bucket.keys if key.startswith(prefix)), key=str.encode)
            versions = [version for key in keys for version in reversed(bucket.keys[key])]
        body = document("ListVersionsResult", list_versions(bucket.name, versions, call.target.query))
        return S3Answer(200, (XML,), body)


def check_name(name: str) -> None:
    """Raise for what is no name of a bucket."""
    if not BUCKET_NAME.fullmatch(name):
        raise invalid_request("The specified bucket is not valid.", "InvalidBucketName")


def check_lifecycle(body: bytes) -> None:
    """Raise for what is no lifecycle configuration, as far as its rules say whether they are in force."""
    rules = parse(body, "LifecycleConfiguration").findall("Rule")
    if not rules or any(rule.findtext("Status") not in {"Enabled", "Disabled"} for rule in rules):
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise invalid_request(message, "MalformedXML")
