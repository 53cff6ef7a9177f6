"""What the books of the sandbox hold, as tests and proofs read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Event:
    """A log event that the service accepted."""

    timestamp: int
    message: str
    ingestion_ms: int
    request_id: str


@dataclass(frozen=True, slots=True)
class MetricDatum:
    """A metric datum that the service accepted.

    Attributes:
        namespace, name: of the metric.
        dimensions: of the metric, all of them.
        unit: as given, or `None` (the service's word for none).
        timestamp_ms: as given, or the service's time when it was accepted.
        values: what was measured; empty where a statistic set was sent.
        counts: how often each value occurred.
        request_id: of the request that brought it; a datum that came twice came with two.
        statistics: the statistic set by `sample_count`, `sum`, `minimum` and `maximum`, or None.
        resolution_s: 1 or 60.
    """

    namespace: str
    name: str
    dimensions: dict[str, str]
    unit: str
    timestamp_ms: int
    values: list[float]
    counts: list[float]
    request_id: str
    statistics: dict[str, float] | None
    resolution_s: int


class Notification(NamedTuple):
    """A message that SNS accepted; `at` is the service's time in seconds since the epoch."""

    subject: str
    message: str
    topic: str
    at: float


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object at S3, or one version of it.

    Attributes:
        key, version_id: its names; the id is `null` where the bucket keeps no versions.
        is_deleted: whether this is a delete marker, which has no body.
        size_bytes, sha256: of the body as it lies there, the digest in hex.
        etag: without quotes.
        content_type, cache_control, content_encoding: as the request gave them.
        metadata: without `x-amz-meta-`, names in small letters.
        tags: by key.
        kms_key_id: ARN of the key that encrypts it; empty where S3 does that alone.
        checksums: that S3 verified, by algorithm, in Base64; of a multipart upload with `-` and the count of parts.
        part_count: of a multipart upload, 0 for others.
        version_count: how many versions this key has, markers included.
        at_ms: when it was accepted, by the service's clock.
        request_id: of the request that made it.
    """

    key: str
    version_id: str
    is_deleted: bool
    size_bytes: int
    sha256: str
    etag: str
    content_type: str
    cache_control: str
    content_encoding: str
    metadata: dict[str, str]
    tags: dict[str, str]
    kms_key_id: str
    checksums: dict[str, str]
    part_count: int
    version_count: int
    at_ms: int
    request_id: str


@dataclass(frozen=True, slots=True)
class PendingUpload:
    """A multipart upload under way; `size_bytes` is what its parts hold so far."""

    key: str
    upload_id: str
    part_count: int
    size_bytes: int
