"""Where the bytes of a generation are: behind an open descriptor, read by offset and never further than asked."""

from __future__ import annotations

import os
from typing import Protocol

from vawsum_agent.logs.follow.fingerprint import HEAD_BYTES, MARKER_BYTES

Identity = tuple[int, int]
"""Device and inode: the same file whatever its name, as long as it exists."""


class Content(Protocol):
    """The uncompressed bytes of one file. All offsets are of those."""

    identity: Identity
    descriptor: int
    is_compressed: bool
    cursor: int
    """How far a compressed file was read; tells whether a `reaches` that came to no end got anywhere."""
    is_starved: bool
    """Whether all of a compressed file that is there was read, and that is not all of it."""

    def read_at(self, offset: int, limit: int) -> bytes:
        """Give up to ``limit`` bytes from ``offset``; none when there are none, or none yet."""
        ...

    def reaches(self, offset: int) -> bool | None:
        """Whether the file is at least ``offset`` long. None: not known yet, ask again."""
        ...

    def before(self, offset: int) -> bytes:
        """Give the up to `MARKER_BYTES` bytes that end at ``offset``, once `reaches` said that they are there."""
        ...

    def head(self) -> bytes | None:
        """Give the first `HEAD_BYTES` bytes, all when there are fewer; None when that can't be told yet."""
        ...

    def end(self) -> int | None:
        """Tell where the file ends by now; None while that is not known."""
        ...

    def twin(self) -> Content:
        """Open the same file a second time, to read elsewhere in it."""
        ...

    def close(self) -> None:
        """Give the descriptor back."""
        ...


class PlainContent:
    """A file as it lies on the disk."""

    is_compressed = False
    cursor = 0
    is_starved = False

    def __init__(self, descriptor: int, identity: Identity) -> None:
        self.descriptor = descriptor
        self.identity = identity

    def read_at(self, offset: int, limit: int) -> bytes:
        """See `Content.read_at`."""
        return os.pread(self.descriptor, limit, offset)

    def reaches(self, offset: int) -> bool | None:
        """See `Content.reaches`."""
        return os.fstat(self.descriptor).st_size >= offset

    def before(self, offset: int) -> bytes:
        """See `Content.before`."""
        start = max(0, offset - MARKER_BYTES)
        return os.pread(self.descriptor, offset - start, start)

    def head(self) -> bytes | None:
        """See `Content.head`."""
        return os.pread(self.descriptor, HEAD_BYTES, 0)

    def end(self) -> int | None:
        """See `Content.end`."""
        return os.fstat(self.descriptor).st_size

    def twin(self) -> Content:
        """See `Content.twin`."""
        return PlainContent(os.dup(self.descriptor), self.identity)

    def close(self) -> None:
        """See `Content.close`."""
        os.close(self.descriptor)
