"""A folder of S3 in memory, whose secrets have versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.aws.secret_bucket import SecretVersion
from vawsum_agent.core.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = "s3://vawsum-secrets/vawsum-web/"


class Vault:
    """Keeps all versions; ``failing`` answers are no answers, ``asked`` counts what was read."""

    folder = FOLDER

    def __init__(self, **secrets: bytes) -> None:
        self.versions: dict[str, list[tuple[str, bytes | None]]] = {}
        self.failing = 0
        self.asked = 0
        for name, content in secrets.items():
            self.put(name, content)

    def put(self, name: str, content: bytes | None, version_id: str = "") -> None:
        """Store a secret anew; None deletes it behind a marker."""
        kept = self.versions.setdefault(name, [])
        kept.append((version_id or f"{name}-{len(kept)}", content))

    def newest(self) -> Iterator[SecretVersion]:
        """See `SecretSource`."""
        self._answer()
        for name, kept in self.versions.items():
            version_id, content = kept[-1]
            yield SecretVersion(name, version_id, len(content or b""), content is None)

    def read(self, name: str, version_id: str, most_bytes: int) -> bytes:
        """See `SecretSource`."""
        self._answer()
        content = dict(self.versions.get(name, ())).get(version_id)
        if content is None:
            raise NotFound("no such version", code="NoSuchVersion")
        assert len(content) <= most_bytes
        return content

    def _answer(self) -> None:
        self.asked += 1
        if self.failing:
            self.failing -= 1
            raise Unavailable("AWS can't be reached")
