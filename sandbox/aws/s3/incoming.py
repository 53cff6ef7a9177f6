"""Bodies as they come in: taken out of their framing, hashed, and put where they are to lie."""

from __future__ import annotations

import hashlib
import re
import time
import zlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Protocol

from sandbox.aws.answers import ServiceError
from sandbox.aws.wire import LINE_LIMIT_BYTES, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.aws.connection import Connection
    from sandbox.aws.wire import Head

BODY_LIMIT_BYTES = 5 * 1024**3
BLOCK_BYTES = 1_048_576
PACED_BLOCK_BYTES = 65_536
CHECKSUM_PREFIX = "x-amz-checksum-"
# What describes a checksum, beside those that are one.
ABOUT_CHECKSUMS = frozenset({"x-amz-checksum-algorithm", "x-amz-checksum-mode", "x-amz-checksum-type"})
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,12})(?:;chunk-signature=[0-9a-f]{64})?\r\n")


class Hasher(Protocol):
    """Something that digests bytes."""

    def update(self, data: bytes, /) -> object:
        """Take in more."""

    def digest(self) -> bytes:
        """Return the digest of all so far."""


class Crc32:
    """CRC-32, in the shape of hashlib's digests."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        """Take in more."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the digest of all so far."""
        return self._value.to_bytes(4, "big")


HASHERS: dict[str, Callable[[], Hasher]] = {
    "crc32": Crc32,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "md5": lambda: hashlib.md5(usedforsecurity=False),
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A body that has come in.

    Attributes:
        size_bytes: of what it carries, framing not counted.
        digests: by algorithm; `md5` and `sha256` are always there.
        trailers: what followed the body, names in small letters.
    """

    size_bytes: int = 0
    digests: dict[str, bytes] = field(default_factory=dict)
    trailers: dict[str, str] = field(default_factory=dict)


def announced_size(head: Head) -> int:
    """Return how long the body is that a request announces, framing not counted.

    Raises:
        ServiceError: it does not say, or says it in a way that S3 does not take. The body is unread then.
    """
    if is_framed(head):
        text = head.get("x-amz-decoded-content-length")
    elif head.is_chunked:
        message = "A header you provided implies functionality that is not implemented: Transfer-Encoding"
        raise ServiceError("NotImplemented", message, status=501, is_violation=True)
    else:
        text = head.get("Content-Length")
    if not text and not is_framed(head) and not head.start.startswith(("PUT", "POST")):
        return 0
    if not re.fullmatch(r"[0-9]{1,15}", text):
        message = "You must provide the Content-Length HTTP header."
        raise ServiceError("MissingContentLength", message, status=411, is_violation=True)
    if int(text) > BODY_LIMIT_BYTES:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise ServiceError("EntityTooLarge", message, is_violation=True)
    return int(text)


def is_framed(head: Head) -> bool:
    """Whether the body comes in aws-chunked framing."""
    return head.get("x-amz-content-sha256").startswith("STREAMING-")


def checksum_names(head: Head) -> set[str]:
    """Return the algorithms of the checksums that come with a request, in its head or behind its body."""
    names = {name.lower() for name, _ in head.fields} | {head.get("x-amz-trailer").lower()}
    return {name.removeprefix(CHECKSUM_PREFIX) for name in names - ABOUT_CHECKSUMS if name.startswith(CHECKSUM_PREFIX)}


def receive(
    connection: Connection, head: Head, put: Callable[[int, bytes], object], pace_bytes_per_s: float | None = None
) -> Incoming:
    """Read a body whose size `announced_size` has found good.

    Args:
        connection: where it comes in.
        head: of its request.
        put: takes (offset, bytes) of what it carries.
        pace_bytes_per_s: how fast it is read at most; None for no limit.
    """
    wanted, trailers = announced_size(head), dict[str, str]()
    hashers = {name: HASHERS[name]() for name in ({"md5", "sha256"} | checksum_names(head)) & HASHERS.keys()}
    blocks = _framed(connection, head, trailers) if is_framed(head) else _plain(connection, head, pace_bytes_per_s)
    size = 0
    for block in blocks:
        if size + len(block) > wanted:
            raise _incomplete()
        put(size, block)
        size += len(block)
        for hasher in hashers.values():
            hasher.update(block)
        if pace_bytes_per_s:
            time.sleep(len(block) / pace_bytes_per_s)
    if size != wanted:
        raise _incomplete()
    return Incoming(size, {name: hasher.digest() for name, hasher in hashers.items()}, trailers)


def _plain(connection: Connection, head: Head, pace_bytes_per_s: float | None) -> Iterator[bytes]:
    connection.invite_body(head)
    left = announced_size(head)
    while left:
        block = connection.reader.read(min(left, PACED_BLOCK_BYTES if pace_bytes_per_s else BLOCK_BYTES))
        if not block:
            message = f"body cut: {left} bytes are missing"
            raise WireError(message)
        yield block
        left -= len(block)


def _framed(connection: Connection, head: Head, trailers: dict[str, str]) -> Iterator[bytes]:
    """Yield what aws-chunked framing holds, and fill `trailers`. Signatures of single chunks are not checked."""
    body = BytesIO(connection.read_body(head))
    while True:
        found = _CHUNK.fullmatch(body.readline(LINE_LIMIT_BYTES))
        if not found:
            raise _incomplete()
        size = int(found[1], 16)
        if size == 0:
            break
        data = body.read(size)
        if len(data) != size or body.read(2) != b"\r\n":
            raise _incomplete()
        yield data
    for line in body.read().decode("latin-1").split("\r\n"):
        name, separator, value = line.partition(":")
        if separator:
            trailers[name.strip().lower()] = value.strip()


def _incomplete() -> ServiceError:
    message = "You did not provide the number of bytes specified by the Content-Length HTTP header"
    return ServiceError("IncompleteBody", message, is_violation=True)
