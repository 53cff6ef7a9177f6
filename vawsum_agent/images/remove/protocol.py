"""What is said over the socket of the owner's helper: one request and one answer a connection.

Each is a length of four bytes, the highest first, and so much JSON; paths are base64 in it. Both ends decode strictly:
another version, an unknown or missing field, a value out of its range is no message at all.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from vawsum_agent.images.remove.names import is_plain
from vawsum_agent.images.remove.removal import Outcome, Removal

if TYPE_CHECKING:
    import socket

LARGEST_BYTES = 1 << 20
MOST_REMOVALS = 256
"""Of one request. The longest paths there can be fill it twice: `batches` looks at the bytes as well."""
_REMOVALS_BYTES = LARGEST_BYTES - 65_536  # the rest of a request: a name and a path of the configuration
_ONE_REMOVAL_BYTES = 256  # but for its path: names of fields and five numbers of at most 20 digits
_HEADER = struct.Struct(">I")
_READ_BYTES = 1 << 16

ShortText = Annotated[str, Meta(max_length=4096)]


class MalformedError(Exception):
    """What came is no message of this protocol."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be done below one folder; it is named twice, so that two configurations can't mean two folders."""

    version: Literal[1] = 1
    action: Literal["remove", "recover"]
    folder: ShortText
    path: ShortText
    removals: Annotated[list[Removal], Meta(max_length=MOST_REMOVALS)] = msgspec.field(default_factory=list)


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of it; or, with an ``error``, why nothing did."""

    version: Literal[1] = 1
    outcomes: list[Outcome] = msgspec.field(default_factory=list)
    put_back_count: int = 0
    error: str = ""
    hint: str = ""


M = TypeVar("M", Request, Answer)


def decode_request(content: bytes) -> Request:
    """Read a request; whatever its sender has checked is checked again.

    Raises:
        MalformedError: it is none, or names a path that is not below a folder.
    """
    request = _decode(content, Request)
    for removal in request.removals:
        if not is_plain(removal.path):
            message = f"a path that is not below the folder: {removal.path[:100]!r}"
            raise MalformedError(message)
    return request


def decode_answer(content: bytes) -> Answer:
    """Read an answer.

    Raises:
        MalformedError: it is none.
    """
    return _decode(content, Answer)


def batches(removals: list[Removal]) -> list[list[Removal]]:
    """Divide removals so that each part fits a request."""
    parts: list[list[Removal]] = []
    room = 0
    for removal in removals:
        size = _ONE_REMOVAL_BYTES + (len(removal.path) + 2) // 3 * 4
        if not parts or size > room or len(parts[-1]) == MOST_REMOVALS:
            parts.append([])
            room = _REMOVALS_BYTES
        parts[-1].append(removal)
        room -= size
    return parts


def send(connection: socket.socket, message: Request | Answer, ends_at: float) -> None:
    """Send one message.

    Raises:
        OSError: TimeoutError at ``ends_at``, a time of the monotonic clock; or the other end is gone.
    """
    content = msgspec.json.encode(message)
    connection.settimeout(max(ends_at - time.monotonic(), 0.001))
    connection.sendall(_HEADER.pack(len(content)) + content)


def receive(connection: socket.socket, ends_at: float) -> bytes:
    """Receive one message; b"" when the other end closed without saying anything.

    Raises:
        MalformedError: it is too long, or ends in its midst.
        OSError: TimeoutError at ``ends_at``, a time of the monotonic clock; or the connection broke.
    """
    header = _exactly(connection, _HEADER.size, ends_at)
    if not header:
        return b""
    (length,) = _HEADER.unpack(header)
    if not 0 < length <= LARGEST_BYTES:
        message = f"a message of {length} bytes"
        raise MalformedError(message)
    content = _exactly(connection, length, ends_at)
    if not content:
        message = "a length, and nothing after it"
        raise MalformedError(message)
    return content


def _exactly(connection: socket.socket, length: int, ends_at: float) -> bytes:
    """So many bytes, or none at all where the other end closed before the first."""
    content = bytearray()
    while len(content) < length:
        connection.settimeout(max(ends_at - time.monotonic(), 0.001))
        part = connection.recv(min(length - len(content), _READ_BYTES))
        if not part:
            if content:
                message = f"{len(content)} bytes of {length}"
                raise MalformedError(message)
            break
        content += part
    return bytes(content)


def _decode(content: bytes, kind: type[M]) -> M:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as exc:
        raise MalformedError(str(exc)) from exc
