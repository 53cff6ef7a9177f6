"""One multipart upload whose size nobody knows yet: parts come as the bytes do, from several threads.

Nothing is tried again here; each part may be sent again under its number, since S3 keeps the last one.
A process that is killed leaves an upload that is no object, takes room, and is found by `BackupBucket.pending`.
"""

from __future__ import annotations

import hashlib
import io
import threading
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.object_errors import Conflict, ObjectExists
from vawsum_agent.aws.uploads import checksum_of
from vawsum_agent.core.errors import AwsError, NotFound, Unavailable

if TYPE_CHECKING:
    from vawsum_agent.aws.uploads import SentPart, Uploads

Body = bytes | bytearray | memoryview

_GONE = "NoSuchUpload"


class _Found(Protocol):
    """What of an object tells whether it is the one that was sent."""

    @property
    def size_bytes(self) -> int: ...
    @property
    def etag(self) -> str: ...
    @property
    def checksum(self) -> str: ...


class _Look(Protocol):
    def __call__(self, key: str, /) -> _Found | None: ...


class StreamedUpload:
    """Threads may send parts side by side; `complete` comes after all of them.

    Args:
        uploads: the calls.
        look: asks what is at a key, its checksum included.
        key: of the object; nothing is there yet.
        upload_id: of the upload that was begun.
    """

    def __init__(self, uploads: Uploads, look: _Look, key: str, upload_id: str) -> None:
        self.key = key
        self.upload_id = upload_id
        self._uploads = uploads
        self._look = look
        self._lock = threading.Lock()
        self._sent: dict[int, tuple[SentPart, int]] = {}
        self._is_aborted = threading.Event()

    def send_part(self, number: int, body: Body) -> None:
        """Send one part, once. S3 has confirmed its checksum when this returns.

        Args:
            number: from 1 to 10,000; a part that was sent under it before is replaced.
            body: 5 MiB to 5 GiB, but for the last, which may be smaller. It must not change meanwhile.

        Raises:
            Throttled, Unavailable: sending it again may help.
            NotFound: the upload was aborted or completed by somebody; it can't be gone on with.
            AwsError: as `BackupBucket.put_new`.
        """
        digest = hashlib.sha256(body).digest()
        try:
            part = self._uploads.send_part(self.key, self.upload_id, number, _Body(body, self._is_aborted), digest)
        except Conflict as error:
            if error.code == _GONE:
                raise _gone(error) from error
            raise
        with self._lock:
            self._sent[number] = (part, memoryview(body).nbytes)

    def complete(self) -> str:
        """Make the object of all parts that were sent; what is at the key already is left as it is.

        When the answer is lost, or says that the upload is gone or the key taken, S3 is asked what is there: it is ours
        when size and checksum are. So this may be called again after `Unavailable`.

        Returns:
            Its ETag. S3 has confirmed the checksum of the parts' checksums.

        Raises:
            ObjectExists: something else is there.
            Throttled, Unavailable: calling again may help.
            AwsError: as `BackupBucket.put_new`.
        """
        with self._lock:
            numbers = sorted(self._sent)
            parts = [self._sent[number][0] for number in numbers]
            size_bytes = sum(size for _, size in self._sent.values())
        try:
            return self._uploads.complete(self.key, self.upload_id, parts)
        except (ObjectExists, Unavailable) as error:
            etag = self._etag_if_there(size_bytes, checksum_of(parts))
            if etag:
                return etag
            if isinstance(error, Conflict) and error.code == _GONE:
                raise _gone(error) from error
            raise

    def _etag_if_there(self, size_bytes: int, checksum: str) -> str:
        """Give the ETag of the object when it is what was sent, else nothing, also where S3 does not say."""
        try:
            found = self._look(self.key)
        except AwsError:
            return ""
        is_ours = found is not None and (found.size_bytes, found.checksum) == (size_bytes, checksum)
        return found.etag if found is not None and is_ours else ""

    def abort(self) -> None:
        """Throw the parts away; parts under way break off. An upload that is gone is fine. Raises AwsError.

        A part whose body had arrived may still be taken in afterwards: call again once no thread sends any more.
        """
        self._is_aborted.set()
        self._uploads.abort(self.key, self.upload_id)


class _Body(io.BufferedIOBase):
    """A body that is not copied as a whole, in pieces that fit urllib3's writes; it ends early when told to."""

    def __init__(self, body: Body, is_aborted: threading.Event) -> None:
        self._view = memoryview(body).cast("B")
        self._at = 0
        self._is_aborted = is_aborted

    def read(self, size: int | None = -1, /) -> bytes:
        if self._is_aborted.is_set():
            message = "the upload was aborted"
            raise ValueError(message)
        end = len(self._view) if size is None or size < 0 else self._at + size
        block = bytes(self._view[self._at : end])
        self._at += len(block)
        return block

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._view)}[whence]
        self._at = min(max(0, start + offset), len(self._view))
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def _gone(error: AwsError) -> NotFound:
    hint = "somebody aborted it, or the bucket's lifecycle rule did; run the backup again"
    return NotFound(error.message, operation=error.operation, code=error.code, hint=hint)
