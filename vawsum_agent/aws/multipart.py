"""One large object in parts: each proven by its checksum, the whole by the digest that was promised, or nothing at all.

Memory holds one part. What is begun is completed or aborted here; a process that is killed in between leaves an upload
that is no object, takes room, and is found by `Uploads.pending`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.aws.new_object import in_blocks
from vawsum_agent.aws.object_errors import ContentChanged
from vawsum_agent.core.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.aws.new_object import NewObject
    from vawsum_agent.aws.uploads import SentPart, Uploads

_MOST_PARTS = 10_000
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Parts:
    """What is sent, and in which pieces.

    Attributes:
        descriptor: to read from, at offsets of its own.
        part_bytes: of each part but the last.
        on_part: called after each part.
    """

    descriptor: int
    size_bytes: int
    part_bytes: int
    on_part: Callable[[], object] | None = None

    def read(self, key: str) -> Iterator[bytes]:
        """Give one part after the other. Raises ContentChanged at an earlier end, OSError."""
        for offset in range(0, self.size_bytes, self.part_bytes):
            yield _read(self.descriptor, min(self.part_bytes, self.size_bytes - offset), offset, key)


def send_in_parts(uploads: Uploads, new: NewObject, parts: Parts, if_match: str) -> str:
    """See `ObjectStore.put_large`."""
    upload_id = uploads.begin(new.arguments())
    # If we die from here on, the parts lie in the bucket until somebody aborts them; the object is as it was.
    try:
        return uploads.complete(new.key, upload_id, _send(uploads, new, upload_id, parts), if_match)
    except BaseException:
        # Where completing was perhaps done all the same, there is nothing left to abort, which harms nothing.
        with contextlib.suppress(AwsError):
            uploads.abort(new.key, upload_id)
        raise


def _send(uploads: Uploads, new: NewObject, upload_id: str, parts: Parts) -> list[SentPart]:
    whole = hashlib.sha256()
    sent = []
    for number, body in enumerate(parts.read(new.key), 1):
        whole.update(body)
        sent.append(uploads.send_part(new.key, upload_id, number, in_blocks(body), hashlib.sha256(body).digest()))
        if parts.on_part is not None:
            parts.on_part()
    if whole.digest() != new.sha256:
        message = f"{new.key}: changed while it was uploaded"
        raise ContentChanged(message)
    return sent


def part_size(size_bytes: int, part_bytes: int) -> int:
    """Give the size of an object's parts: ``part_bytes``, or as many whole MiB as 10,000 parts need."""
    least = -(-size_bytes // _MOST_PARTS)
    return max(part_bytes, -(-least // _MIB) * _MIB)


def _read(descriptor: int, count: int, offset: int, key: str) -> bytes:
    """Read exactly so much. Raises ContentChanged at an earlier end."""
    blocks = []
    while count:
        block = os.pread(descriptor, count, offset)
        if not block:
            message = f"{key}: became shorter while it was uploaded"
            raise ContentChanged(message)
        blocks.append(block)
        count -= len(block)
        offset += len(block)
    return blocks[0] if len(blocks) == 1 else b"".join(blocks)
