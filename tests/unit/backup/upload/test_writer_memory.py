"""How much a writer takes while nothing, or little, is sent."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, cast

import pytest

from vawsum_agent.backup.upload.patience import Patience
from vawsum_agent.backup.upload.writer import ObjectWriter
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.backup_bucket import Head
    from vawsum_agent.aws.streamed_upload import Body, StreamedUpload
    from vawsum_agent.aws.uploads import PendingUpload

MIB = 1 << 20


class Upload:
    """Takes parts while its gate is open.

    Attributes:
        dies: whether sending fails in a way that nobody foresaw.
    """

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.gate = threading.Event()
        self.is_aborted = False
        self.dies = False

    def send_part(self, number: int, body: Body) -> None:
        """See `StreamedUpload.send_part`."""
        assert self.gate.wait(60)
        if self.dies:
            raise ZeroDivisionError
        self.parts[number] = bytes(body)

    def complete(self) -> str:
        """See `StreamedUpload.complete`."""
        return "etag"

    def abort(self) -> None:
        """See `StreamedUpload.abort`."""
        self.is_aborted = True


class Bucket:
    """Gives out one upload."""

    def __init__(self) -> None:
        self.upload = Upload()

    def begin_upload(self, key: str, content_type: str) -> StreamedUpload:
        """See `BackupBucket.begin_upload`."""
        del key, content_type
        return cast("StreamedUpload", self.upload)

    def put_new(self, key: str, body: bytes, content_type: str) -> str:
        """See `BackupBucket.put_new`."""
        raise NotImplementedError

    def head(self, key: str) -> Head | None:
        """See `BackupBucket.head`."""
        raise NotImplementedError

    def pending(self, prefix: str) -> Iterator[PendingUpload]:
        """See `BackupBucket.pending`."""
        del prefix
        return iter(())

    def abort(self, upload: PendingUpload) -> None:
        """See `BackupBucket.abort`."""


@pytest.fixture
def bucket() -> Bucket:
    """Make one whose gate is shut."""
    return Bucket()


def test_parts_pile_up_to_the_bound_and_go_when_they_can(bucket: Bucket) -> None:
    """Two of 8 MiB are under way, four more pile up; then a write waits, and goes on once a part was sent."""
    with ObjectWriter(bucket, "a/b", "x", clock=SystemClock()) as writer:
        for number in range(48):
            assert writer.wait_for_room(0) == (number < 24)
            writer.write(bytes([number]) * MIB)
        waiting = threading.Thread(target=writer.write, args=(b"x" * MIB,))
        waiting.start()
        waiting.join(0.7)
        assert waiting.is_alive()
        bucket.upload.gate.set()
        waiting.join(60)
        assert not waiting.is_alive()
        stored = writer.finish()
    body = b"".join(bytes([number]) * MIB for number in range(48)) + b"x" * MIB
    assert b"".join(bucket.upload.parts[number] for number in sorted(bucket.upload.parts)) == body
    assert [len(part) // MIB for _, part in sorted(bucket.upload.parts.items())] == [8, 8, 8, 8, 8, 8, 1]
    assert (stored.sha256, stored.size_bytes) == (hashlib.sha256(body).hexdigest(), 49 * MIB)
    assert not bucket.upload.is_aborted


def test_one_huge_block_is_taken_in_parts(bucket: Bucket) -> None:
    """A block is no part."""
    bucket.upload.gate.set()
    with ObjectWriter(bucket, "a/b", "x", clock=SystemClock()) as writer:
        writer.write(bytes(100 * MIB))
        writer.finish()
    assert sum(map(len, bucket.upload.parts.values())) == 100 * MIB
    assert max(map(len, bucket.upload.parts.values())) == 8 * MIB


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_told(bucket: Bucket) -> None:
    """Nobody waits for a part that nobody sends."""
    bucket.upload.dies = True
    bucket.upload.gate.set()
    with ObjectWriter(bucket, "a/b", "x", clock=SystemClock(), patience=Patience(0)) as writer:
        writer.write(bytes(9 * MIB))
        with pytest.raises(BackupError, match="has died"):
            writer.finish()
    assert bucket.upload.is_aborted
