"""A bucket in memory with S3's rules for conditional writes, and files to send."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vawsum_agent.aws.objects import Conflict, ContentChanged, NewObject, ObjectExists, ObjectHead, PendingUpload
from vawsum_agent.config.model import ImagesFolder
from vawsum_agent.images.upload.send import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.images.upload.send import Sent

HOST = "i-0abc"


class MemoryStore:
    """What `ObjectStore` does, without S3.

    Attributes:
        bodies, heads: by key.
        failures: raised by the next writes, one after the other; after ``late`` ones the object is there all the same.
        before_write: called with each write's condition.
        calls: what was asked.
    """

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.heads: dict[str, ObjectHead] = {}
        self.failures: list[AgentError] = []
        self.are_late = False
        self.before_write: Callable[[str], None] = lambda _: None
        self.calls: list[str] = []
        self.unfinished: list[PendingUpload] = []

    def abandoned(self, prefix: str) -> list[PendingUpload]:
        """See `ObjectStore.abandoned`."""
        return [upload for upload in self.unfinished if upload.key.startswith(prefix)]

    def abort(self, upload: PendingUpload) -> None:
        """See `ObjectStore.abort`."""
        self.unfinished.remove(upload)

    def put(self, new: NewObject, body: bytes, *, if_match: str = "") -> str:
        """See `ObjectStore.put`."""
        self.calls.append("put")
        self.before_write(if_match)
        if self.failures and not self.are_late:
            raise self.failures.pop(0)
        there = self.heads.get(new.key)
        if (there.etag if there else "") != if_match:
            raise (ObjectExists if there else Conflict)("no", operation="PutObject")
        etag = self.store(new.key, body, new.sha256.hex(), new.origin)
        if self.failures:
            raise self.failures.pop(0)
        return etag

    def put_large(
        self,
        new: NewObject,
        descriptor: int,
        size_bytes: int,
        *,
        if_match: str = "",
        on_part: Callable[[], object] | None = None,
    ) -> str:
        """See `ObjectStore.put_large`."""
        body = os.pread(descriptor, size_bytes, 0)
        if hashlib.sha256(body).digest() != new.sha256:
            raise ContentChanged("changed")
        if on_part is not None:
            on_part()
        return self.put(new, body, if_match=if_match)

    def head(self, key: str) -> ObjectHead | None:
        """See `ObjectStore.head`."""
        self.calls.append("head")
        return self.heads.get(key)

    def store(self, key: str, body: bytes, sha256: str = "", origin: str = "") -> str:
        """Store something as anybody might."""
        etag = f'"{len(self.calls)}-{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        self.bodies[key] = body
        self.heads[key] = ObjectHead(etag, len(body), sha256, origin, "")
        return etag


class Uploads:
    """A folder with one file in it, and a sender."""

    def __init__(self, root: Path, store: MemoryStore | None = None, host: str = HOST) -> None:
        self.store = store or MemoryStore()
        self.sender = Sender(self.store, host)
        self.folder = ImagesFolder(name="app", path=str(root), bucket="vawsum-images", prefix="uploads/")
        self.path = root / "a.jpg"
        self.key = "uploads/a.jpg"

    @contextmanager
    def opened(self, body: bytes) -> Iterator[int]:
        """Write the file anew and open it."""
        self.path.unlink(missing_ok=True)
        self.path.write_bytes(body)
        os.utime(self.path, (1e9, 1e9))  # it has been at rest, so that any change shows
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def rewrite(self, body: bytes) -> None:
        """Write to the same file, as a script does that does not know better."""
        self.path.write_bytes(body)

    def send(
        self,
        descriptor: int,
        *,
        size_bytes: int | None = None,
        look: Callable[[bytes], None] | None = None,
        on_progress: Callable[[], object] | None = None,
    ) -> Sent:
        """Send it."""
        size = os.fstat(descriptor).st_size if size_bytes is None else size_bytes
        return self.sender.send(
            self.folder, b"a.jpg", descriptor, size, "image/jpeg", look=look, on_progress=on_progress
        )

    def send_new(self, body: bytes) -> Sent:
        """Write the file anew and send it."""
        with self.opened(body) as descriptor:
            return self.send(descriptor)
