"""Asks S3 what is allowed and what is there, without leaving anything in the bucket.

IAM is evaluated before anything is looked up, so a call that must fail for another reason tells whether it is allowed:
AccessDenied says no, `NotFound` says yes. Where reading needs ListBucket to tell a missing object from a hidden one,
AccessDenied names the action that is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.object_errors import mapped_object
from vawsum_agent.aws.s3_client import s3_client
from vawsum_agent.aws.skew import Skew
from vawsum_agent.aws.uploads import Uploads

if TYPE_CHECKING:
    import contextlib

    from vawsum_agent.aws.session import AwsSession

_NO_UPLOAD_ID = "vawsum-agent-doctor"


class ObjectsProbe:
    """One call a method; each raises AwsError, `NotFound` among them.

    Attributes:
        region: whose endpoint is asked.
        skew: of this host's clock and the service's, by its last answer.
    """

    def __init__(self, session: AwsSession, bucket: str) -> None:
        self._bucket = bucket
        self._client: Any = s3_client(session)
        self._uploads = Uploads(self._client, bucket, session.region)
        self.region = session.region
        self.skew = Skew(self._client)

    def is_versioned(self) -> bool:
        """GetBucketVersioning: whether what is written over can be had again."""
        with self._mapped("s3:GetBucketVersioning"):
            return bool(self._client.get_bucket_versioning(Bucket=self._bucket).get("Status") == "Enabled")

    def put(self, key: str, kms_key_id: str) -> None:
        """CreateMultipartUpload, which needs what PutObject does, the key's use included; then AbortMultipartUpload.

        Args:
            key: of an object, there or not; it stays as it is.
            kms_key_id: to encrypt with; empty: as the bucket does.
        """
        key_arguments = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        with self._mapped("s3:PutObject", key):
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, **key_arguments)
        # If we die here, or may not abort, an upload without parts is left: no object, and nothing that costs.
        self._uploads.abort(key, begun["UploadId"])

    def get(self, missing_key: str) -> None:
        """GetObject of an object that does not exist: `NotFound` when it is allowed, and ListBucket with it."""
        with self._mapped("s3:GetObject", missing_key):
            self._client.get_object(Bucket=self._bucket, Key=missing_key)["Body"].close()

    def some_keys(self, prefix: str, most: int) -> list[str]:
        """ListObjectsV2: the first few keys under a prefix."""
        with self._mapped("s3:ListBucket", prefix):
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, MaxKeys=most)
        return [row["Key"] for row in page.get("Contents", ())]

    def list_uploads(self, prefix: str) -> None:
        """ListMultipartUploads, of which none is asked to be shown but one."""
        with self._mapped("s3:ListBucketMultipartUploads", prefix):
            self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=prefix, MaxUploads=1)

    def abort(self, key: str) -> None:
        """AbortMultipartUpload, of an upload that does not exist: fine when it is allowed."""
        self._uploads.abort(key, _NO_UPLOAD_ID)

    def _mapped(self, action: str, key: str = "") -> contextlib.AbstractContextManager[None]:
        return mapped_object(action, self._bucket, key, self.region)
