"""The published releases in S3, as a fetch asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.deploy.fetch.artifacts import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.artifact_bucket import ArtifactBucket


class BucketArtifacts:
    """See `Artifacts`. What is streamed is not held to one version: the checksum is over all of it."""

    def __init__(self, bucket: ArtifactBucket) -> None:
        self._bucket = bucket

    @property
    def where(self) -> str:
        """See `Artifacts.where`."""
        return self._bucket.location("")

    def names(self, release: str) -> list[Stored]:
        """See `Artifacts.names`."""
        return [Stored(row.name, row.size_bytes) for row in self._bucket.listing(f"{release}.")]

    def read(self, name: str, most_bytes: int) -> bytes | None:
        """See `Artifacts.read`."""
        document = self._bucket.read(name, most_bytes)
        return None if document is None else document.body

    def stream(self, name: str, offset: int) -> Iterator[bytes]:
        """See `Artifacts.stream`."""
        return self._bucket.blocks(name, offset=offset)
