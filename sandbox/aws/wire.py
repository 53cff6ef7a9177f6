"""HTTP/1.1 on a socket: heads, bodies and their framing.

Written out, not taken from `http.server`, because the front must be able to stop between any two bytes,
reset a connection, and pass bodies on in the framing they came in.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LINE_LIMIT_BYTES = 65_536
FIELD_LIMIT_COUNT = 200
COPY_BYTES = 65_536
_WITHOUT_BODY = frozenset({204, 304})


class Reader(Protocol):
    """What a body is read from: a buffered binary file."""

    def read(self, size: int, /) -> bytes:
        """Read `size` bytes, fewer only at the end."""

    def readline(self, size: int, /) -> bytes:
        """Read up to and including the next line feed."""

    def close(self) -> None:
        """Let go of the connection."""


class WireError(Exception):
    """The peer sent no HTTP, or stopped in the middle of a message."""


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and its header fields, as they came."""

    start: str
    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """Return the value of the field `name` (any case), or an empty string."""
        wanted = name.lower()
        return next((value for key, value in self.fields if key.lower() == wanted), "")

    def without(self, *names: str) -> Head:
        """Return the same head less the fields of these names."""
        unwanted = {name.lower() for name in names}
        return Head(self.start, tuple(field for field in self.fields if field[0].lower() not in unwanted))

    def encode(self) -> bytes:
        """Return the bytes that stand before the body, blank line included."""
        lines = [self.start, *(f"{key}: {value}" for key, value in self.fields), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.get("Transfer-Encoding").lower()

    @property
    def length(self) -> int | None:
        """The announced length of the body in bytes, or None."""
        text = self.get("Content-Length")
        if not text:
            return None
        if not text.isascii() or not text.isdigit():
            message = f"bad Content-Length {text!r}"
            raise WireError(message)
        return int(text)


def read_head(reader: Reader) -> Head | None:
    """Read a start line and header fields; None when the peer closed the connection between two messages."""
    start = reader.readline(LINE_LIMIT_BYTES)
    while start in {b"\r\n", b"\n"}:
        start = reader.readline(LINE_LIMIT_BYTES)
    if not start:
        return None
    fields: list[tuple[str, str]] = []
    while True:
        line = reader.readline(LINE_LIMIT_BYTES)
        if not line.endswith(b"\n") or len(fields) > FIELD_LIMIT_COUNT:
            message = "cut or oversized header"
            raise WireError(message)
        if line in {b"\r\n", b"\n"}:
            return Head(start.decode("latin-1").rstrip("\r\n"), tuple(fields))
        key, _, value = line.decode("latin-1").partition(":")
        fields.append((key.strip(), value.strip()))


def _exactly(reader: Reader, size: int) -> bytes:
    data = reader.read(size)
    if len(data) != size:
        message = f"body cut: {len(data)} of {size} bytes"
        raise WireError(message)
    return data


def _chunks(reader: Reader) -> Iterator[tuple[bytes, bytes]]:
    """Yield (framed, plain) for each chunk and at last for the trailer, whose plain part is empty."""
    while True:
        line = reader.readline(LINE_LIMIT_BYTES)
        try:
            size = int(line.split(b";", 1)[0], 16)
        except ValueError as exc:
            message = "bad chunk"
            raise WireError(message) from exc
        if size == 0:
            break
        data = _exactly(reader, size)
        yield line + data + _exactly(reader, 2), data
    framed = line
    while True:
        line = reader.readline(LINE_LIMIT_BYTES)
        framed += line
        if line in {b"\r\n", b"\n", b""}:
            yield framed, b""
            return


def read_body(reader: Reader, head: Head) -> bytes:
    """Read a request's whole body, freed from its transfer framing."""
    if head.is_chunked:
        return b"".join(plain for _, plain in _chunks(reader))
    return _exactly(reader, head.length or 0)


def copy_request_body(reader: Reader, head: Head, write: Callable[[bytes], object]) -> None:
    """Pass a request's body on in the framing it came in."""
    if head.is_chunked:
        for framed, _ in _chunks(reader):
            write(framed)
    else:
        _copy(reader, head.length or 0, write)


def copy_answer_body(reader: Reader, head: Head, method: str, write: Callable[[bytes], object]) -> bool:
    """Pass an answer's body on. Returns whether the connection can carry another message afterwards."""
    status = int(head.start.split(" ", 2)[1])
    if method == "HEAD" or status in _WITHOUT_BODY:
        return True
    if head.is_chunked:
        for framed, _ in _chunks(reader):
            write(framed)
        return True
    if head.length is not None:
        _copy(reader, head.length, write)
        return True
    while data := reader.read(COPY_BYTES):
        write(data)
    return False


def _copy(reader: Reader, size: int, write: Callable[[bytes], object]) -> None:
    left = size
    while left:
        data = _exactly(reader, min(left, COPY_BYTES))
        write(data)
        left -= len(data)


def reset(sock: socket.socket) -> None:
    """Close a connection so that the peer meets ECONNRESET instead of an orderly end."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    except OSError:  # the peer was faster; it has its broken connection
        return
