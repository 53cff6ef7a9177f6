"""moto's server in a process of its own, started when the first request for it comes, and asked byte for byte."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.aws import wire
from sandbox.aws.answers import ServiceError
from sandbox.aws.listener import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.connection import Connection
    from sandbox.aws.requests import Request
    from sandbox.aws.wire import Head, Reader

START_LIMIT_S = 60.0
ANSWER_LIMIT_S = 120.0
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer of moto whose head is read and whose body is still to come."""

    sock: socket.socket
    reader: Reader
    head: Head
    method: str

    def relay(self, write: Callable[[bytes], object]) -> bool:
        """Pass the answer on. Returns whether the client's connection can carry another request."""
        head = self.head.without("Connection", "Keep-Alive")
        try:
            has_end = self.method == "HEAD" or head.is_chunked or head.length is not None
            fields = head.fields if has_end else (*head.fields, ("Connection", "close"))
            write(wire.Head(head.start, fields).encode())
            return wire.copy_answer_body(self.reader, head, self.method, write) and has_end
        finally:
            self.reader.close()
            self.sock.close()


class Moto:
    """moto's server, lazily."""

    def __init__(self, work_dir: Path, *, is_enabled: bool) -> None:
        self._work_dir = work_dir
        self._is_enabled = is_enabled
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._lock = threading.Lock()

    def ask(self, connection: Connection, request: Request, body: bytes | None = None) -> Exchange:
        """Send a client's request on, body included, and wait for the head of the answer.

        Args:
            connection: where the request came in.
            request: its head.
            body: its body, where that has been read already.
        """
        port = self._started()
        sock = socket.create_connection((HOST, port), timeout=ANSWER_LIMIT_S)
        head = request.head.without("Connection", "Expect")
        if body is not None:
            plain = head.without("Transfer-Encoding", "Content-Length")
            head = wire.Head(head.start, (*plain.fields, ("Content-Length", str(len(body)))))
        sock.sendall(wire.Head(head.start, (*head.fields, ("Connection", "close"))).encode())
        if body is not None:
            sock.sendall(body)
        else:
            connection.invite_body(request.head)
            wire.copy_request_body(connection.reader, head, sock.sendall)
        reader: Reader = sock.makefile("rb", wire.COPY_BYTES)
        answer = wire.read_head(reader)
        if answer is None:
            message = "moto gave no answer"
            raise wire.WireError(message)
        return Exchange(sock, reader, answer, request.method)

    def _started(self) -> int:
        if not self._is_enabled:
            raise ServiceError("ServiceUnavailableException", "the sandbox was started without moto", status=503)
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._port

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self._port = probe.getsockname()[1]
        with (self._work_dir / "moto.log").open("ab") as log:
            # It ends when its stdin does, so it can't outlive us whatever kills us.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox.aws.moto_child", str(self._port)],
                cwd=REPOSITORY,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        limit = time.monotonic() + START_LIMIT_S
        while not self._is_listening():
            if self._process.poll() is not None or time.monotonic() > limit:
                text = (self._work_dir / "moto.log").read_text(errors="replace")[-500:]
                raise ServiceError("ServiceUnavailableException", f"moto did not start: {text}", status=503)
            time.sleep(0.05)

    def _is_listening(self) -> bool:
        try:
            socket.create_connection((HOST, self._port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
