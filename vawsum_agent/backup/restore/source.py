"""The SQL of frames, out of S3: read in pieces, gone on with after a broken connection, verified.

A frame is proven by three things: all of it lies in one object (its ETag is asked for with each request: the
manifest's, or that of a copy of the same size), zstd's checksum over its content holds, and it has the size that the
manifest gives. A restore reads frames in another order than they were written, several at once, so that the SHA-256 of
the whole object can't be made on the way; what reads all of it in order has `Whole`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import zstandard

from vawsum_agent.aws.object_errors import ObjectExists
from vawsum_agent.backup.manifest import Frame
from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import AccessDenied, AwsError, BackupError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.aws.backup_bucket import Head
    from vawsum_agent.backup.manifest import Stored
    from vawsum_agent.core.clock import Clock

PATIENCE_S = 1800.0
OLDER = (
    "it was damaged or written over: in a versioned bucket an older version may be whole (aws s3api "
    "list-object-versions); or take another backup: `vawsum-agent backup list`"
)

_PIECE_BYTES = 8 << 20
"""Of one request. The server takes seconds for so much: no connection is left open for so long that S3 ends it."""

_SLICE_BYTES = 1 << 10
_SMALL_SLICE_BYTES = 256
_LARGE_BYTES = 1 << 20
"""Little is given to zstd at once, and less where much came out last: what is compressed to next to nothing, such as
blobs of zeros, becomes ten thousand times as much."""

_BLOCK_BYTES = 256 << 10
_BEGIN_BYTES = 5
_HAS_CHECKSUM = 0b100
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 20.0


class Damaged(BackupError):
    """What lies in the bucket is not what was written. Trying again does not help; an older version may."""

    def __init__(self, message: str) -> None:
        super().__init__(message, hint=OLDER)


class RangeBucket(Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    bucket: str

    def read_range(self, key: str, offset: int, size_bytes: int, if_match: str = "") -> Iterator[bytes]:
        """Raises AwsError; a retryable one also midway."""
        ...

    def head(self, key: str) -> Head | None:
        """Raises AwsError."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long and by which means one waits for S3 or a server.

    Attributes:
        clock: measures.
        nap: waits for so many seconds, or less; raises what ends the restore.
        dice: a random number in [0, 1).
        patience_s: so long without any progress is a failure.
    """

    clock: Clock
    nap: Callable[[float], None]
    dice: Callable[[], float]
    patience_s: float = PATIENCE_S

    def before_attempt(self, number: int) -> None:
        """Wait before a repetition; 0 is the first."""
        self.nap(backoff_s(number, self.dice(), first_s=_FIRST_WAIT_S, longest_s=_LONGEST_WAIT_S))


class Source:
    """The frames of one object. Threads may read side by side.

    Args:
        bucket: that holds it.
        key: of the object.
        stored: what the manifest says of it.
        waiting: for S3.
    """

    def __init__(self, bucket: RangeBucket, key: str, stored: Stored, waiting: Waiting) -> None:
        self.where = f"s3://{bucket.bucket}/{key}"
        self._bucket = bucket
        self._key = key
        self._stored = stored
        self._waiting = waiting
        self._etag = stored.etag
        self._has_read = False

    def sql(self, frame: Frame, on_compressed: Callable[[bytes], object] = lambda _: None) -> Iterator[bytes]:
        """Give the SQL of a frame, in blocks of some hundred KB; all of it is verified when the last one was given.

        Args:
            frame: of the manifest.
            on_compressed: given the compressed bytes, in order.

        Raises:
            Damaged: it is not what the manifest says.
            AwsError: S3 does not give it, also not after `Waiting.patience_s`.
        """
        size_bytes = 0
        for block in self._decompressed(frame, on_compressed):
            size_bytes += len(block)
            if size_bytes > frame.raw_bytes:
                break
            yield block
        if size_bytes != frame.raw_bytes:
            raise self._damaged(frame, f"has {size_bytes:,} bytes of SQL where the manifest says {frame.raw_bytes:,}")

    def whole_sql(self) -> Iterator[bytes]:
        """Give the SQL of an object that is read in one go, such as the grants; its SHA-256 is verified. As `sql`."""
        frame = Frame(kind="head", offset=0, size_bytes=self._stored.size_bytes, raw_bytes=self._stored.raw_bytes)
        whole = Whole(self._stored, self.where)
        yield from self.sql(frame, whole.take)
        whole.verify()

    def _decompressed(self, frame: Frame, on_compressed: Callable[[bytes], object]) -> Iterator[bytes]:
        unpacked = zstandard.ZstdDecompressor().decompressobj()
        begin = b""
        held: list[bytes] = []
        held_bytes = 0
        for block in self._compressed(frame):
            on_compressed(block)
            if len(begin) < _BEGIN_BYTES:
                begin += block[: _BEGIN_BYTES - len(begin)]
                self._check_begin(frame, begin)
            for sql in self._unpack(frame, unpacked, block):
                held.append(sql)
                held_bytes += len(sql)
                if held_bytes >= _BLOCK_BYTES:
                    yield b"".join(held)
                    held, held_bytes = [], 0
        if not unpacked.eof or unpacked.unused_data:
            raise self._damaged(frame, "does not end where the manifest says")
        if held_bytes:
            yield b"".join(held)

    def _unpack(self, frame: Frame, unpacked: zstandard.ZstdDecompressionObj, block: bytes) -> Iterator[bytes]:
        at, slice_bytes = 0, _SLICE_BYTES
        while at < len(block):
            try:
                sql = unpacked.decompress(block[at : at + slice_bytes])
            except zstandard.ZstdError as exc:
                raise self._damaged(frame, str(exc)) from exc
            at += slice_bytes
            slice_bytes = _SMALL_SLICE_BYTES if len(sql) > _LARGE_BYTES else _SLICE_BYTES
            yield sql

    def _check_begin(self, frame: Frame, begin: bytes) -> None:
        """See RFC 8878, 3.1.1: the magic number, then a descriptor of which a bit says that there is a checksum."""
        if not begin.startswith(zstandard.FRAME_HEADER[: len(begin)]):
            raise self._damaged(frame, "is no zstd frame")
        if len(begin) == _BEGIN_BYTES and not begin[-1] & _HAS_CHECKSUM:
            raise self._damaged(frame, "has no checksum")

    def _compressed(self, frame: Frame) -> Iterator[bytes]:
        """Give the frame's bytes; after a broken connection what comes next is asked for anew."""
        offset, end = frame.offset, frame.offset + frame.size_bytes
        attempt, moved_at = 0, self._waiting.clock.monotonic()
        while offset < end:
            piece, etag = min(_PIECE_BYTES, end - offset), self._etag
            try:
                for block in self._bucket.read_range(self._key, offset, piece, etag):
                    offset += len(block)
                    self._has_read = True
                    yield block
                    # After the yield: what the server took its time for was no waiting for S3.
                    attempt, moved_at = 0, self._waiting.clock.monotonic()
            except ObjectExists as error:
                self._accept_copy(etag, error)
            except AwsError as error:
                self._check_patience(error, frame, offset, moved_at)
                self._waiting.before_attempt(attempt)
                attempt += 1

    def _accept_copy(self, asked: str, changed: ObjectExists) -> None:
        """Go on with an object that is another than was uploaded, if it may be a copy: checksums tell what it holds.

        An ETag changes with the size of a copy's parts and with its key. From here on no other object will do.
        """
        if self._etag != asked:
            return  # another thread has
        found = self._bucket.head(self._key)
        size_bytes = self._stored.size_bytes
        if found is None or asked != self._stored.etag or found.size_bytes != size_bytes:
            what = f"has {found.size_bytes:,} bytes" if found is not None else "is gone"
            message = f"{self.where} is not what was uploaded: it {what}, where the manifest says {size_bytes:,}"
            raise Damaged(message) from changed
        self._etag = found.etag

    def _check_patience(self, error: AwsError, frame: Frame, offset: int, moved_at: float) -> None:
        is_new = isinstance(error, AccessDenied) and not self._has_read
        if not error.retryable or is_new:
            raise error  # what was never allowed is not waited for; credentials that are renewed are
        waited_s = self._waiting.clock.monotonic() - moved_at
        if waited_s >= self._waiting.patience_s:
            message = (
                f"{self.where}: no byte of {named(frame)} came for {waited_s:.0f} s at byte {offset}: {error.message}"
            )
            # No fault of the backup: a drill must not say that it does not restore.
            hint = "S3 or the way to it is down; with --resume it goes on later"
            raise Unavailable(message, operation=error.operation, code=error.code, hint=hint) from error

    def _damaged(self, frame: Frame, what: str) -> Damaged:
        message = f"{self.where}: {named(frame)} at byte {frame.offset} {what}"
        return Damaged(message)


class Whole:
    """The SHA-256 of an object whose bytes all come by, in order.

    Args:
        stored: what the manifest says.
        where: its address.
    """

    def __init__(self, stored: Stored, where: str) -> None:
        self._stored = stored
        self._where = where
        self._digest = hashlib.sha256()

    def take(self, block: bytes) -> None:
        """Take what comes next."""
        self._digest.update(block)

    def verify(self) -> None:
        """Raises Damaged: it is not what was stored."""
        found = self._digest.hexdigest()
        if found != self._stored.sha256:
            message = f"{self._where}: its SHA-256 is {found}, and {self._stored.sha256} in the manifest"
            raise Damaged(message)


def named(frame: Frame) -> str:
    """Name a frame for people."""
    if frame.name:
        return f"{frame.kind} {frame.database}.{frame.name}"
    return f"{frame.kind} of {frame.database}" if frame.database else frame.kind
