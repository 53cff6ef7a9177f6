"""Servers that hang, drip or talk nonsense, on a loopback port."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BETWEEN_DRIPS_S = 0.1


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """Serve every connection on a thread of its own until the block ends; gives the port."""
    is_over = threading.Event()
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            serve(connection, is_over)

    def accept(listener: socket.socket) -> None:
        while not is_over.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                connection.settimeout(None)
                threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        acceptor = threading.Thread(target=accept, args=(listener,), daemon=True)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
            acceptor.join()
            for thread in threads:
                thread.join(5)


def silent(_connection: socket.socket, is_over: threading.Event) -> None:
    """Accept and never answer."""
    is_over.wait(60)


def saying(*pieces: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Answer with this, whatever is asked, and hang up."""

    def serve(connection: socket.socket, _is_over: threading.Event) -> None:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):  # or the answer is lost to a reset
            pass

    return serve


def dripping(head: bytes, drip: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Send ``head`` at once, then ``drip`` again and again for a minute: never silent, never done."""

    def serve(connection: socket.socket, is_over: threading.Event) -> None:
        connection.sendall(head)
        for _ in range(600):
            if is_over.wait(_BETWEEN_DRIPS_S):
                return
            connection.sendall(drip)

    return serve
