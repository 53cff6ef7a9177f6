"""An object that is written like a file, and is in the bucket once it is finished: whole, or not at all.

What is written is cut into parts, which two threads send while the next is being filled. Memory holds the part at hand
and two that wait or are under way: some 32 MB while an object is smaller than 16 GiB, or than 64 GiB as was foretold.
When S3 is slow more parts pile up, which keeps a dump going for a while whose server would cut it off
(``net_write_timeout``) if nobody read from it; when memory is full `ObjectWriter.write` waits for one of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.manifest import Stored
from vawsum_agent.backup.upload.parts import MOST_PARTS, part_bytes
from vawsum_agent.backup.upload.patience import Patience, Persistent
from vawsum_agent.backup.upload.sending import Sending
from vawsum_agent.backup.upload.whole import WholeBucket, put_whole
from vawsum_agent.core.errors import AwsError, BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from vawsum_agent.aws.streamed_upload import StreamedUpload
    from vawsum_agent.aws.uploads import PendingUpload
    from vawsum_agent.core.clock import Clock

MOST_PENDING_BYTES = 48 << 20
_LOOK_UP_EVERY_S = 0.5
_ABORT_WITHIN_S = 30.0
_ABORTING = Patience(longest_s=10.0, denied_s=0.0)


class Bucket(WholeBucket, Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    def begin_upload(self, key: str, content_type: str) -> StreamedUpload:
        """See `BackupBucket.begin_upload`."""
        ...

    def pending(self, prefix: str) -> Iterator[PendingUpload]:
        """See `BackupBucket.pending`."""
        ...

    def abort(self, upload: PendingUpload) -> None:
        """See `BackupBucket.abort`."""
        ...


def _never() -> bool:
    return False


class ObjectWriter:
    """Leaving its context without `finish` aborts the upload. One thread writes.

    If the process dies, the parts that were sent lie in the bucket and are no object; whoever starts next finds them
    with `BackupBucket.pending` under the folder of the backup, and aborts them.

    Args:
        bucket: where it goes.
        key: of the object; nothing is there yet.
        content_type: of the object.
        clock: measures patience.
        estimated_bytes: of the whole; 0 where nobody knows. Decides the size of parts, see `part_bytes`.
        patience: with S3, for each part and for the completion.
        most_pending_bytes: in memory, at which `write` waits; three parts where that is more.
        is_halted: asked while waiting; then the wait ends with BackupError.

    Attributes:
        size_bytes: written so far: the offset of the next byte.
    """

    def __init__(
        self,
        bucket: Bucket,
        key: str,
        content_type: str,
        *,
        clock: Clock,
        estimated_bytes: int = 0,
        patience: Patience | None = None,
        most_pending_bytes: int = MOST_PENDING_BYTES,
        is_halted: Callable[[], bool] = _never,
    ) -> None:
        self.size_bytes = 0
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._clock = clock
        self._estimated_bytes = estimated_bytes
        self._most_pending_bytes = most_pending_bytes
        self._is_halted = is_halted
        self._stopped = threading.Event()
        self._persistent = Persistent(patience or Patience(), clock, self._stopped, is_halted)
        self._sending = Sending(self._begin, self._persistent, self._stopped)
        self._whole = hashlib.sha256()
        self._number = 1
        self._part = bytearray()
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_over:
            self.abort()

    def write(self, block: bytes) -> None:
        """Take all of a block; waits while memory holds `most_pending_bytes` that S3 has not taken.

        Raises:
            AwsError: sending has failed for good: refused, or its patience has ended. Nothing can be written any more.
            BackupError: it is over, or was halted.
        """
        self._check()
        self._whole.update(block)
        view = memoryview(block)
        while view:
            room = self._room()
            if room:
                self._part += view[:room]
                view = view[room:]
            else:
                self._wait()
        self.size_bytes += len(block)
        self._hand_over_if_full()

    def wait_for_room(self, timeout_s: float) -> bool:
        """Wait until sending has caught up, for so long at most.

        Returns:
            Whether it has. If not, `write` still takes more until memory is full: little by little, a dump can be kept
            alive with it.

        Raises:
            AwsError, BackupError: as `write`.
        """
        self._check()
        self._hand_over_if_full()
        if len(self._part) < self._full_bytes and not self._sending.is_behind:
            return True
        has_place = self._sending.wait_for_place(timeout_s)
        self._hand_over_if_full()
        return has_place

    def finish(self, raw_bytes: int = 0) -> Stored:
        """Make the object of what was written, once all of it is sent.

        Args:
            raw_bytes: what it holds before compression, to be told.

        Raises:
            ObjectExists: something else is at the key; it stays.
            AwsError, BackupError: as `write`. There is no object, or, after `Unavailable`, one that nobody names.
        """
        self._check()
        etag = self._finish_whole() if self._number == 1 else self._finish_parts()
        self._is_over = True
        self._sending.end(_ABORT_WITHIN_S)
        if self._sending.is_begun_unseen:
            self._sweep()
        return Stored(
            name=self._key.rpartition("/")[2],
            size_bytes=self.size_bytes,
            raw_bytes=raw_bytes,
            sha256=self._whole.hexdigest(),
            etag=etag,
        )

    def abort(self) -> None:
        """Give up: what was sent is thrown away. Never raises; what can't be aborted now is left as if we had died."""
        self._is_over = True
        self._stopped.set()
        upload = self._sending.upload
        if upload is not None:
            # Breaks off the parts under way, so that the threads end soon.
            with contextlib.suppress(AwsError):
                upload.abort()
        self._sending.end(_ABORT_WITHIN_S)
        self._part = bytearray()
        if self._sending.is_begun:
            # A part whose body had arrived may have been taken in after all, and an upload begun without our knowing.
            self._sweep()

    def _begin(self) -> StreamedUpload:
        return self._bucket.begin_upload(self._key, self._content_type)

    def _finish_whole(self) -> str:
        return put_whole(self._bucket, self._key, bytes(self._part), self._content_type, self._persistent)

    def _finish_parts(self) -> str:
        if self._part:
            self._hand_over()
        while not self._sending.wait_until_sent(_LOOK_UP_EVERY_S):
            self._check()
        upload = self._sending.upload
        if upload is None:
            message = f"{self._key}: parts were sent, and there is no upload"
            raise BackupError(message, hint="this is a bug; report it")
        # If we die here, the object is there or the parts are pending; without a manifest, neither is a backup.
        return self._persistent.call(upload.complete)

    @property
    def _full_bytes(self) -> int:
        return part_bytes(self._number, self._estimated_bytes)

    def _room(self) -> int:
        """Tell how much the part at hand takes now; nothing while it is full and memory is, too."""
        self._hand_over_if_full()
        return self._full_bytes - len(self._part)

    def _hand_over_if_full(self) -> None:
        full = self._full_bytes
        if len(self._part) < full:
            return
        most = max(self._most_pending_bytes, 3 * full)
        if self._sending.has_place or self._sending.pending_bytes + 2 * full <= most:
            self._hand_over()

    def _hand_over(self) -> None:
        if self._number > MOST_PARTS:
            message = f"{self._key}: larger than {MOST_PARTS} parts can hold"
            raise BackupError(message, hint="back up fewer databases at once")
        self._sending.hand_over(self._number, self._part)
        self._number += 1
        self._part = bytearray()

    def _wait(self) -> None:
        self._sending.wait_for_place(_LOOK_UP_EVERY_S)
        self._check()

    def _check(self) -> None:
        if self._is_over:
            message = f"{self._key}: finished or aborted, and can't be written any more"
            raise BackupError(message)
        self._sending.check()
        if self._is_halted():
            message = f"{self._key}: the upload was told to end"
            raise BackupError(message, hint="nothing was published; the next run begins anew")

    def _sweep(self) -> None:
        """Abort whatever is pending at our key."""

        def abort_all() -> None:
            for pending in list(self._bucket.pending(self._key)):
                if pending.key == self._key:
                    self._bucket.abort(pending)

        with contextlib.suppress(AwsError):
            Persistent(_ABORTING, self._clock, threading.Event()).call(abort_all)
