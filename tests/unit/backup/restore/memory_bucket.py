"""A bucket in memory whose connections break where a test wants it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import zstandard

from vawsum_agent.aws.backup_bucket import Head
from vawsum_agent.aws.object_errors import ObjectExists
from vawsum_agent.backup.manifest import Stored
from vawsum_agent.backup.restore.source import Waiting
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class MemoryBucket:
    """Objects by key.

    Attributes:
        breaks_after: after how many bytes the next connections break, one number a connection.
        is_away: no connection comes about.
        refusals: how many of the next requests are denied.
        block_bytes: how many are given at once.
        asked: key, offset and size of each request.
    """

    bucket: str = "vault"
    objects: dict[str, bytes] = field(default_factory=dict)
    breaks_after: list[int] = field(default_factory=list)
    is_away: bool = False
    refusals: int = 0
    block_bytes: int = 1000
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def store(self, key: str, body: bytes, raw_bytes: int) -> Stored:
        """Keep an object; tells what a manifest says of it."""
        self.objects[key] = body
        return Stored(
            name=key.rpartition("/")[2],
            size_bytes=len(body),
            raw_bytes=raw_bytes,
            sha256=hashlib.sha256(body).hexdigest(),
            etag=etag_of(body),
        )

    def head(self, key: str) -> Head | None:
        """See `BackupBucket.head`."""
        body = self.objects.get(key)
        return None if body is None else Head(len(body), etag_of(body), "", 0.0)

    def read_range(self, key: str, offset: int, size_bytes: int, if_match: str = "") -> Iterator[bytes]:
        """See `BackupBucket.read_range`."""
        self.asked.append((key, offset, size_bytes))
        if self.is_away:
            raise unavailable()
        if self.refusals:
            self.refusals -= 1
            raise AccessDenied("AccessDenied", operation="GetObject", code="AccessDenied")
        body = self.objects.get(key)
        if body is None:
            raise NotFound("NoSuchKey", operation="GetObject", code="NoSuchKey")
        if if_match and if_match != etag_of(body):
            raise ObjectExists("PreconditionFailed", operation="GetObject", code="PreconditionFailed")
        left = self.breaks_after.pop(0) if self.breaks_after else size_bytes
        for at in range(offset, offset + size_bytes, self.block_bytes):
            block = body[at : min(at + self.block_bytes, offset + size_bytes)]
            if len(block) > left:
                yield block[:left]
                raise unavailable()
            left -= len(block)
            yield block


class Hand:
    """A clock that goes only where a nap takes it."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now(self) -> float:
        """See `Clock.now`."""
        return 1_800_000_000.0 + self.time_s

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.time_s

    def nap(self, seconds: float) -> None:
        """Let time pass."""
        self.time_s += seconds

    def waiting(self, patience_s: float = 60.0) -> Waiting:
        """Wait by this clock."""
        return Waiting(self, self.nap, lambda: 0.0, patience_s)


def packed(sql: bytes, *, has_checksum: bool = True) -> bytes:
    """One frame of zstd."""
    return zstandard.ZstdCompressor(level=3, write_checksum=has_checksum).compress(sql)


def etag_of(body: bytes) -> str:
    """An ETag that another content does not have."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def unavailable() -> AwsError:
    """What a broken connection is told as."""
    return Unavailable("GetObject: the connection broke", operation="GetObject", code="IncompleteBody")
