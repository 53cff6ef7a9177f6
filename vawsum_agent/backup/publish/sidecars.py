"""What is learned of a backup after its manifest was written: objects beside it, of which the latest counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from vawsum_agent.backup.names import DRILLED, VERIFIED

if TYPE_CHECKING:
    from vawsum_agent.backup.names import BackupName

_LARGEST_BYTES = 1 << 20
_JSON = "application/json"


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """Every byte was read back from S3, every frame decompressed, and all checksums hold; or what does not.

    Attributes:
        verified_at: RFC 3339.
        by: the instance that did.
        sha256: of the dump, as it was read.
        problems: how it is damaged, in a sentence; empty when it is whole.
    """

    format: int = 1
    verified_at: str
    by: str
    sha256: str
    frames: int
    raw_bytes: int
    problems: list[str] = []


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """It was restored into a scratch server.

    Attributes:
        drilled_at: RFC 3339.
        by: the instance that did.
        restore_s: from nothing to a server that answered for every table.
        problems: what differed from the manifest; empty when it is proven.
    """

    format: int = 1
    drilled_at: str
    by: str
    restore_s: float
    tables: int
    rows: int
    problems: list[str] = []


class _Read(Protocol):
    @property
    def body(self) -> bytes: ...
    @property
    def etag(self) -> str: ...


class SidecarBucket(Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    def read(self, key: str, most_bytes: int) -> _Read | None:
        """Raises AwsError."""
        ...

    def put_new(self, key: str, body: bytes, content_type: str) -> str:
        """Raises AwsError."""
        ...

    def put_over(self, key: str, body: bytes, content_type: str, if_match: str) -> str:
        """Raises AwsError."""
        ...


_S = TypeVar("_S", Verified, Drilled)

_NAMES = {Verified: VERIFIED, Drilled: DRILLED}


def write(bucket: SidecarBucket, prefix: str, backup: BackupName, told: Verified | Drilled) -> None:
    """Put it beside the manifest, in the place of what an earlier look found. Raises AwsError."""
    key = backup.key(prefix, _NAMES[type(told)])
    body = msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"
    before = bucket.read(key, _LARGEST_BYTES)
    if before is None:
        bucket.put_new(key, body, _JSON)
    else:
        bucket.put_over(key, body, _JSON, before.etag)


def read(bucket: SidecarBucket, prefix: str, backup: BackupName, kind: type[_S]) -> _S | None:
    """Read the one of a kind; None where there is none, or none that can be read. Raises AwsError."""
    found = bucket.read(backup.key(prefix, _NAMES[kind]), _LARGEST_BYTES)
    if found is None:
        return None
    try:
        return msgspec.json.decode(found.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
