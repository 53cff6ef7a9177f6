"""Reading a file that somebody may be writing: all of it and nothing more, or not at all."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.aws.objects import ContentChanged

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE_BYTES = 16 << 20
"""What is larger goes in parts."""

_BLOCK_BYTES = 1 << 20
_LONGER = "the file became longer while it was read"


@dataclass(frozen=True, slots=True)
class Content:
    """What was read of a file.

    Attributes:
        sha256: digest of all of it.
        body: all of it; None where it is too large to be held, and is read once more when it is sent.
    """

    sha256: bytes
    body: bytes | None


def read(descriptor: int, size_bytes: int, look: Callable[[bytes], object]) -> Content:
    """Read a file from its beginning.

    Args:
        descriptor: open for reading; its offset is neither used nor moved.
        size_bytes: that it has.
        look: called with each block in order; may raise to refuse.

    Raises:
        ContentChanged: it has fewer bytes, or more.
        OSError: it can't be read.
    """
    if size_bytes > LARGE_BYTES:
        return Content(_digest(descriptor, size_bytes, look), None)
    # One byte more than there should be: where it is read, the file became longer.
    body = os.pread(descriptor, size_bytes + 1, 0)
    while len(body) < size_bytes:
        body += _more(descriptor, size_bytes - len(body), len(body))
        _expect_end(descriptor, size_bytes)
    if len(body) > size_bytes:
        raise ContentChanged(_LONGER)
    look(body)
    return Content(hashlib.sha256(body).digest(), body)


def _digest(descriptor: int, size_bytes: int, look: Callable[[bytes], object]) -> bytes:
    digest = hashlib.sha256()
    offset = 0
    while offset < size_bytes:
        block = _more(descriptor, min(_BLOCK_BYTES, size_bytes - offset), offset)
        look(block)
        digest.update(block)
        offset += len(block)
    _expect_end(descriptor, size_bytes)
    return digest.digest()


def _more(descriptor: int, count: int, offset: int) -> bytes:
    block = os.pread(descriptor, count, offset)
    if not block:
        message = "the file became shorter while it was read"
        raise ContentChanged(message)
    return block


def _expect_end(descriptor: int, size_bytes: int) -> None:
    if os.pread(descriptor, 1, size_bytes):
        raise ContentChanged(_LONGER)
