"""One client connection: reads requests, hands them to a handler, can break off at any point."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from sandbox.aws import wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from sandbox.aws.wire import Head

READ_BUFFER_BYTES = 262_144


class ConnectionCut(Exception):
    """The connection is to be reset instead of answered. `outcome` names the fault for the books."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class Connection:
    """A connected client."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.reader = sock.makefile("rb", READ_BUFFER_BYTES)

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        self._sock.sendall(data)

    def invite_body(self, head: Head) -> None:
        """Tell a client that waits for it to go on with the body."""
        if head.get("Expect").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def read_body(self, head: Head) -> bytes:
        """Read the whole body of the request at hand."""
        self.invite_body(head)
        return wire.read_body(self.reader, head)

    def is_gone(self, wait_s: float) -> bool:
        """Wait for the client to close or break the connection, and tell whether it did."""
        poller = select.poll()
        try:
            poller.register(self._sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        except ValueError:  # closed by an outage
            return True
        return bool(poller.poll(wait_s * 1000))

    def reset(self) -> None:
        """Break the connection: the client meets ECONNRESET."""
        self.reader.close()
        wire.reset(self._sock)

    def close(self) -> None:
        """Close the connection in order."""
        self.reader.close()
        self._sock.close()

    def serve(self, handle: Callable[[Connection, Head], bool]) -> None:
        """Handle requests until one side has had enough. `handle` tells whether the connection can go on."""
        try:
            while (head := wire.read_head(self.reader)) is not None:
                if not handle(self, head) or head.get("Connection").lower() == "close":
                    break
        except ConnectionCut:
            self.reset()
        except (OSError, ValueError, wire.WireError):
            self.reset()  # broken by the client, or closed under us by an outage: nobody is left to tell
        else:
            self.close()
