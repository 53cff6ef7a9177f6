"""What IAM is asked before an operation: actions on buckets, objects and KMS keys. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.aws.account import REGION
from sandbox.aws.policy import Access

if TYPE_CHECKING:
    from sandbox.aws.s3.target import Target
    from sandbox.aws.wire import Head

_ACTIONS = {
    "ListBuckets": "ListAllMyBuckets",
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
_OF_VERSIONS = {"GetObject", "HeadObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging"}


def accesses(target: Target, head: Head) -> list[Access]:
    """Return what a request has to be allowed, apart from keys."""
    action = _ACTIONS.get(target.operation, target.operation)
    if target.operation in _OF_VERSIONS and "versionId" in target.query:
        action = {"GetObjectTagging": "GetObjectVersionTagging", "PutObjectTagging": "PutObjectVersionTagging"}.get(
            target.operation, f"{action}Version"
        )
    arn = f"arn:aws:s3:::{target.place}" if target.bucket else "*"
    context = {"s3:prefix": target.query["prefix"]} if "prefix" in target.query else {}
    needed = [Access(f"s3:{action}", arn, context)]
    if action == "PutObject" and head.get("x-amz-tagging"):
        needed.append(Access("s3:PutObjectTagging", arn))
    if action == "PutObject" and head.get("If-Match"):
        needed.append(Access("s3:GetObject", arn))  # to compare is to learn
    return needed


def listing(target: Target) -> Access:
    """Return what a client has to be allowed to learn that a key is missing."""
    return Access("s3:ListBucket", f"arn:aws:s3:::{target.bucket}")


def key_actions(target: Target, head: Head) -> tuple[str, ...]:
    """Return what a client has to be allowed on the KMS key of the object at hand."""
    operation = target.operation
    if operation in {"PutObject", "CreateMultipartUpload"}:
        return ("kms:GenerateDataKey",)
    if operation in {"GetObject", "UploadPart", "CompleteMultipartUpload"}:
        return ("kms:Decrypt",)
    # A HEAD tells of the object without decrypting anything, but for its checksum.
    is_asked = head.get("x-amz-checksum-mode").upper() == "ENABLED"
    return ("kms:Decrypt",) if operation == "HeadObject" and is_asked else ()


def key_access(action: str, arn: str) -> Access:
    """Return what IAM is asked about a key that S3 uses for a client."""
    return Access(action, arn, {"kms:viaservice": f"s3.{REGION}.amazonaws.com"})
