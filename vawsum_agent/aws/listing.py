"""ListObjectsV2, page after page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.object_errors import mapped_object

if TYPE_CHECKING:
    from collections.abc import Iterator


def listed_rows(client: Any, bucket: str, prefix: str, region: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - botocore's
    """Give what S3 tells of all objects under a prefix, in the order of their keys. Raises AwsError."""
    after: dict[str, str] = {}
    while True:
        with mapped_object("s3:ListBucket", bucket, prefix, region):
            page = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **after)
        yield from page.get("Contents", ())
        if not page.get("IsTruncated"):
            return
        after = {"ContinuationToken": page["NextContinuationToken"]}
