"""A listening port with a thread a connection, which can go away for a while and come back."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from sandbox.aws.connection import Connection
from sandbox.aws.wire import reset

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from sandbox.aws.wire import Head

HOST = "127.0.0.1"
BACKLOG = 128


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((HOST, port))
    return sock


class Listener:
    """Listens on one port of the loopback interface, with TLS if a context is given."""

    def __init__(
        self, handle: Callable[[Connection, Head], bool], port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self._handle = handle
        self._tls = tls
        # Bound but never listening: it keeps the port ours while an outage refuses connections.
        self._holder = _bound(port)
        self.port: int = self._holder.getsockname()[1]
        self._listening: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self.open()

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    def open(self) -> None:
        """Listen; nothing happens when it already does."""
        with self._lock:
            if self._listening is not None:
                return
            self._listening = _bound(self.port)
            self._listening.listen(BACKLOG)
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def refuse(self) -> None:
        """Break every connection and refuse new ones until `open`."""
        with self._lock:
            listening, self._listening = self._listening, None
            connections = list(self._connections)
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # wakes the thread in accept()
            listening.close()
        for sock in connections:
            self._break(sock)

    @staticmethod
    def _break(sock: socket.socket) -> None:
        """Break a connection whose thread may sit in recv(): shut it down first, which wakes the thread."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        reset(sock)

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
            return
        with self._lock:
            self._connections.add(sock)
            is_refused = self._listening is None
        try:
            if is_refused:
                self._break(sock)
            else:
                Connection(sock).serve(self._handle)
        finally:
            with self._lock:
                self._connections.discard(sock)
