"""A bucket's stand-in that keeps what it is given, in memory, and is no bottleneck: over TLS, a thread a connection.

In a process of its own, so that its CPU is not the measured process's.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from contextlib import suppress
from email.utils import formatdate

from tests.bench.bucket import Bucket
from tests.bench.keeping import Answer, Asked, Keeping

_BLOCK_BYTES = 1 << 18
_LONGEST_HEAD_BYTES = 1 << 16
_HANDSHAKE_S = 60.0


class KeepingBucket(Bucket):
    """An S3 with every bucket."""

    def command(self) -> list[str]:
        """See `Server.command`."""
        return [sys.executable, "-m", "tests.bench.keeping_bucket", str(self.directory), str(self.port)]


class _Connection:
    """One client."""

    def __init__(self, stream: ssl.SSLSocket, keeping: Keeping) -> None:
        self._stream = stream
        self._keeping = keeping
        self._read = b""

    def serve(self) -> None:
        """Answer until the client goes away."""
        with suppress(OSError), self._stream:
            while (asked := self._next()) is not None:
                self._send(asked, self._keeping.answer(asked))

    def _next(self) -> Asked | None:
        while b"\r\n\r\n" not in self._read:
            block = self._stream.recv(_LONGEST_HEAD_BYTES)
            if not block:
                return None
            self._read += block
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        rows = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in rows}
        if "expect" in headers:
            self._stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding") == "chunked":  # the AWS CLI's, with a checksum behind the last chunk
            return Asked(method, target, headers, self._chunks())
        return Asked(method, target, headers, self._body(int(headers.get("content-length", 0))))

    def _chunks(self) -> bytearray:
        body = bytearray()
        while size := int(self._line().partition(b";")[0], 16):
            body += self._body(size)
            self._line()
        while self._line():
            pass
        return body

    def _line(self) -> bytes:
        while b"\r\n" not in self._read:
            block = self._stream.recv(_LONGEST_HEAD_BYTES)
            if not block:
                message = "the client hung up amid a chunk"
                raise ConnectionError(message)
            self._read += block
        line, _, self._read = self._read.partition(b"\r\n")
        return line

    def _body(self, size: int) -> bytearray:
        body = bytearray(size)
        there, self._read = self._read[:size], self._read[size:]
        body[: len(there)] = there
        with memoryview(body) as view:
            at = len(there)
            while at < size:
                count = self._stream.recv_into(view[at : at + _BLOCK_BYTES])
                if not count:
                    message = "the client hung up amid a body"
                    raise ConnectionError(message)
                at += count
        return body

    def _send(self, asked: Asked, answer: Answer) -> None:
        length = {} if asked.method == "HEAD" else {"Content-Length": str(sum(map(len, answer.blocks)))}
        fields = {"Date": formatdate(usegmt=True), **length, **answer.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._stream.sendall(f"HTTP/1.1 {answer.status} Bench\r\n{head}\r\n".encode())
        for block in answer.blocks if asked.method != "HEAD" else ():
            for at in range(0, len(block), _BLOCK_BYTES):
                self._stream.sendall(block[at : at + _BLOCK_BYTES])


def _serve(folder: str, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.pem", f"{folder}/server.key")
    keeping = Keeping()
    with socket.create_server(("127.0.0.1", port), backlog=64) as listener:
        while True:
            accepted, _ = listener.accept()
            threading.Thread(target=_greet, args=(accepted, context, keeping), daemon=True).start()


def _greet(accepted: socket.socket, context: ssl.SSLContext, keeping: Keeping) -> None:
    accepted.settimeout(_HANDSHAKE_S)
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        stream = context.wrap_socket(accepted, server_side=True)
    except OSError:
        accepted.close()
        return
    stream.settimeout(None)
    _Connection(stream, keeping).serve()


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
