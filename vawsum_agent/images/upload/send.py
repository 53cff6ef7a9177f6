"""Sends one open file: reads and hashes it, puts it where nothing is, and decides what to do where something is.

What a crash leaves behind, wherever it strikes: no object, or one that bears our origin and is whole. The next attempt
finds either, and goes on from there.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.objects import PART_BYTES, Conflict, ContentChanged, NewObject, ObjectExists
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.inspect.picture import Refused
from vawsum_agent.images.reasons import Reason
from vawsum_agent.images.upload.content import LARGE_BYTES, read
from vawsum_agent.images.upload.room import Room
from vawsum_agent.images.upload.turn import Turn
from vawsum_agent.images.upload.verdict import Kind, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.aws.objects import ObjectHead, PendingUpload
    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.upload.content import Content

__all__ = ["Kind", "Sender", "Sent", "origin_of"]

_ROUNDS = 3
"""Attempts at a key that others write to at the same moment; after these the caller waits."""

_ORIGIN_BYTES = 16


class Store(Protocol):
    """What is asked of the bucket; `aws.objects.ObjectStore` is one."""

    def put(self, new: NewObject, body: bytes, *, if_match: str = "") -> str: ...
    def put_large(
        self,
        new: NewObject,
        descriptor: int,
        size_bytes: int,
        *,
        if_match: str = "",
        on_part: Callable[[], object] | None = None,
    ) -> str: ...
    def head(self, key: str) -> ObjectHead | None: ...
    def abandoned(self, prefix: str) -> list[PendingUpload]: ...
    def abort(self, upload: PendingUpload) -> None: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a file.

    Attributes:
        sha256: of the file, in hexadecimal; empty where it changed.
        etag: of the object that has its key; empty where it changed.
    """

    kind: Kind
    key: str
    sha256: str = ""
    etag: str = ""


class Sender:
    """Sends files into one bucket. Threads may call it side by side.

    Args:
        store: the bucket.
        instance_id: of this host, for the origin of what it sends.
        room: for what is held in memory; several senders may share one.

    Attributes:
        turn: to be held by a thread that sends, if there are several. It is given away here for every wait.
    """

    def __init__(self, store: Store, instance_id: str, room: Room | None = None) -> None:
        self._store = store
        self._instance_id = instance_id
        self._room = room or Room()
        self.turn = Turn()

    def send(
        self,
        folder: ImagesFolder,
        path: bytes,
        descriptor: int,
        size_bytes: int,
        content_type: str,
        *,
        look: Callable[[bytes], None] | None = None,
        on_progress: Callable[[], object] | None = None,
    ) -> Sent:
        """Send a file; every kind but COLLISION and CHANGED says that S3 confirmed these very bytes.

        Args:
            folder: which one it is in, with bucket, prefix, key and cache control.
            path: relative to the folder, of UTF-8 and short enough for a key.
            descriptor: of the file, open for reading.
            size_bytes: that it had when it was looked at.
            content_type: by its content.
            look: called with each block that is read, before anything is sent; may raise to refuse.
            on_progress: called after each part of a large file is sent.

        Raises:
            Refused: it can't be read; and whatever ``look`` raises.
            Conflict: others keep writing to its key; trying again helps.
            AwsError: as `ObjectStore.put`.
        """
        file = _File(descriptor, Fingerprint.of(os.fstat(descriptor)), on_progress)
        key = folder.prefix + path.decode()
        if file.fingerprint.size_bytes != size_bytes:
            return Sent(Kind.CHANGED, key)
        held_bytes = size_bytes if size_bytes <= LARGE_BYTES else PART_BYTES
        with ExitStack() as holding:
            try:
                # Room is waited for without the turn: whoever has it needs the turn to give it back.
                with self.turn.away():
                    holding.enter_context(self._room.taken(held_bytes))
                    content = read(descriptor, size_bytes, look or _see_nothing)
                new = NewObject(
                    key,
                    content.sha256,
                    content_type,
                    folder.cache_control,
                    folder.kms_key_id,
                    origin_of(self._instance_id, folder.path),
                )
                return self._send(new, content, file)
            except ContentChanged:
                return Sent(Kind.CHANGED, key)
            except OSError as exc:
                raise Refused(Reason.UNREADABLE, file.fingerprint) from exc

    def abort_abandoned(self, folder: ImagesFolder) -> int:
        """Throw away the parts of large files whose upload was cut off over a day ago; nobody else would.

        A folder without a prefix shares the bucket with who knows whom: there the bucket's own rule has to do it.

        Returns:
            How many there were.

        Raises:
            AwsError: as `ObjectStore.abandoned`; trying again another day is soon enough.
        """
        if not folder.prefix:
            return 0
        found = self._store.abandoned(folder.prefix)
        for upload in found:
            self._store.abort(upload)
        return len(found)

    def _send(self, new: NewObject, content: Content, file: _File) -> Sent:
        # A large file that is there already is not sent only to learn that.
        verdict = Verdict(None) if content.body is not None else self._ask(new, file)
        for _ in range(_ROUNDS):
            if verdict.kind is not None:
                break
            # What is written over must be older than what was read here: a file that is replaced changes its ctime.
            file.expect_unchanged()
            try:
                etag = self._put(new, content, file, verdict.etag)
            except (ObjectExists, Conflict):
                verdict = self._ask(new, file)
            else:
                verdict = Verdict(Kind.REWRITTEN if verdict.etag else Kind.MOVED, etag)
        if verdict.kind is None:
            message = f"{new.key}: others keep writing to it"
            hint = "retried with backoff"
            raise Conflict(message, operation="PutObject", code="Conflict", hint=hint, maybe_done=False)
        file.expect_unchanged()
        return Sent(verdict.kind, new.key, new.sha256.hex(), verdict.etag)

    def _put(self, new: NewObject, content: Content, file: _File, if_match: str) -> str:
        with self.turn.away():
            if content.body is not None:
                return self._store.put(new, content.body, if_match=if_match)
            return self._store.put_large(
                new, file.descriptor, file.fingerprint.size_bytes, if_match=if_match, on_part=file.on_part
            )

    def _ask(self, new: NewObject, file: _File) -> Verdict:
        with self.turn.away():
            there = self._store.head(new.key)
        return judge(there, new.sha256.hex(), file.fingerprint.size_bytes, new.origin)


@dataclass(frozen=True, slots=True)
class _File:
    """An open file, and how it was before it was read."""

    descriptor: int
    fingerprint: Fingerprint
    on_part: Callable[[], object] | None = None

    def expect_unchanged(self) -> None:
        """Raise ContentChanged where it is not as it was: what was read may be a mixture."""
        if Fingerprint.of(os.fstat(self.descriptor)) != self.fingerprint:
            message = "the file changed while it was uploaded"
            raise ContentChanged(message)


def origin_of(instance_id: str, folder: str) -> str:
    """Name who uploads: opaque, since it is public with the object, and the same for as long as host and folder are."""
    return hashlib.sha256(f"{instance_id}\0{folder}".encode()).digest()[:_ORIGIN_BYTES].hex()


def _see_nothing(_: bytes) -> None:
    pass
