"""Asks the daemon over its control socket, as root would ask anybody: with limits on time, size and sense.

The daemon is unprivileged, and so is whoever took it over. What can be said here at most keeps a release or takes it
back; it can't hold the deploy up, fill its memory, or lead it to a socket by a link.
"""

from __future__ import annotations

import os
import socket
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.errors import AgentError, NotRunningError
from vawsum_agent.core.traffic import Counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT_S = 5.0
_MOST_BYTES = 64 << 10
_PIECE_BYTES = 16 << 10
_DECODER = msgspec.json.Decoder(Counted)


class DaemonSource:
    """The running daemon; see `TrafficSource`.

    Args:
        path: of its control socket.
        timeout_s: for all of one answer.
    """

    def __init__(self, path: Path, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._timeout_s = timeout_s

    def ask(self, from_at: float, until_at: float) -> Counted:
        """See `TrafficSource.ask`."""
        head, _, body = self._exchange(f"GET /requests?from={from_at:.3f}&to={until_at:.3f}").partition(b"\r\n\r\n")
        code = head.split(b" ", 2)[1:2]
        if code == [b"404"]:
            raise AgentError("the running daemon can't be asked for requests", hint="restart it: it is an older one")
        try:
            # What an error says has no counts in it, and is refused like any nonsense.
            return _DECODER.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            message = f"what answers on {self._path} makes no sense"
            raise AgentError(message, hint="restart the daemon: systemctl restart vawsum-agent") from error

    def _exchange(self, request: str) -> bytes:
        """Send a request, read to the end of the answer."""
        ends_at = time.monotonic() + self._timeout_s
        answer = bytearray()
        try:
            with _connected(self._path, self._timeout_s) as connection:
                connection.sendall(f"{request} HTTP/1.1\r\nHost: agent\r\n\r\n".encode())
                while piece := connection.recv(_PIECE_BYTES):
                    answer += piece
                    left_s = ends_at - time.monotonic()
                    if left_s <= 0 or len(answer) > _MOST_BYTES:
                        break
                    connection.settimeout(left_s)
        except PermissionError as error:
            message = f"not allowed to open the control socket {self._path}"
            raise AgentError(message, hint="run this as root or as a member of the daemon's group") from error
        except TimeoutError as error:
            message = f"the daemon on {self._path} does not answer within {self._timeout_s:.0f}s"
            raise NotRunningError(message, hint="look at its log: journalctl -u vawsum-agent") from error
        except OSError as error:
            message = f"no daemon answers on {self._path}"
            raise NotRunningError(message, hint="start it: systemctl start vawsum-agent") from error
        if not answer:
            raise NotRunningError(f"the daemon on {self._path} stopped before it answered", hint="is it restarting?")
        return bytes(answer)


@contextmanager
def _connected(path: Path, timeout_s: float) -> Iterator[socket.socket]:
    """Connect to the socket that lies there itself, whatever lies there a moment later."""
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            raise ConnectionRefusedError
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            connection.settimeout(timeout_s)
            # By its descriptor: the name could be a link by now, and it may be longer than an address of a socket.
            connection.connect(f"/proc/self/fd/{descriptor}")
            yield connection
    finally:
        os.close(descriptor)
