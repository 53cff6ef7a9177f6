"""HTTP/1.1 over connections that a client's own session has opened: a request in one write, its answer in one read.

Opening connections stays the session's, with all its settings of TLS; where a proxy is set, everything does. What
urllib3 and http.client do for each request besides is 0.35 ms of CPU, and most of what threads wait for each other for.
"""

from __future__ import annotations

import http.client
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_OK = b"HTTP/1.1 200 "
_END = b"\r\n\r\n"
_KEEP_ALIVE = "keep-alive"
_ANSWER_BYTES = 1 << 14
_LONGEST_HEAD_BYTES = 1 << 16
_PIECE_BYTES = 1 << 17
"""What has to get through within one timeout: a slow line is no dead one."""


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """What came back, by the names that botocore reads.

    Attributes:
        headers: by their names in lower case.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class Wire:
    """The connections to one service. Threads may send side by side.

    Args:
        pool: the session's, of urllib3.
        url: of the service, for what is raised.
    """

    def __init__(self, pool: Any, url: str) -> None:  # noqa: ANN401 - urllib3's
        self._pool = pool
        self._url = url
        self._timeout_s = pool.timeout.read_timeout

    @classmethod
    def of(cls, session: Any, url: str) -> Wire | None:  # noqa: ANN401 - botocore's
        """Make one for what is at ``url``; None where a proxy leads there."""
        if session._proxy_config.proxy_url_for(url) is not None:  # noqa: SLF001
            return None
        return cls(session._manager.connection_from_url(url), url)  # noqa: SLF001

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> WireAnswer | None:
        """Send a request, if a connection is open.

        Args:
            method: such as ``PUT``.
            target: path and query as they are sent, ASCII.
            headers: all of them, Host among them; Content-Length is added.
            body: all of it.

        Returns:
            The answer, whatever its status. None: no connection is open, and nothing was sent.

        Raises:
            ReadTimeoutError, ConnectionClosedError: as botocore; whether it was carried out is unknown.
            ValueError: a header holds a line break; nothing was sent.
        """
        head = _head(method, target, headers, len(body))
        connection = self._pool._get_conn()  # noqa: SLF001 - has seen to it that the other side did not hang up
        is_kept = True
        try:
            if connection.sock is None:
                return None
            is_kept = False
            answer, is_kept = _exchange(connection.sock, self._timeout_s, head, body)
        except TimeoutError as exc:
            raise ReadTimeoutError(endpoint_url=self._url, error=exc) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise ConnectionClosedError(endpoint_url=self._url, error=exc) from exc
        finally:
            if not is_kept:
                connection.close()
            self._pool._put_conn(connection)  # noqa: SLF001
        return answer


def _head(method: str, target: str, headers: Mapping[str, str], length: int) -> bytes:
    fields = [f"{name}: {value}" for name, value in headers.items()]
    lines = [f"{method} {target} HTTP/1.1", *fields, f"content-length: {length}", "", ""]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1:
        message = "a header holds a line break"
        raise ValueError(message)
    return head.encode()


def _exchange(sock: socket.socket, timeout_s: float, head: bytes, body: bytes) -> tuple[WireAnswer, bool]:
    """Send, and give the answer and whether more requests may follow."""
    if sock.gettimeout() != timeout_s:
        sock.settimeout(timeout_s)
    try:
        # Together: each write of its own is a packet, a TLS record and a wait for the interpreter's lock.
        sock.sendall(head + body[:_PIECE_BYTES])
        for start in range(_PIECE_BYTES, len(body), _PIECE_BYTES):
            sock.sendall(body[start : start + _PIECE_BYTES])
    except (BrokenPipeError, ConnectionResetError):
        # Whoever wants no more of it may have said why before hanging up.
        return _read(sock)[0], False
    return _read(sock)


def _read(sock: socket.socket) -> tuple[WireAnswer, bool]:
    data = b""
    while _END not in data:
        # http.client takes the end of a connection for the end of the headers.
        more = sock.recv(_ANSWER_BYTES)
        if not more or len(data) > _LONGEST_HEAD_BYTES:
            message = "no whole answer"
            raise http.client.RemoteDisconnected(message)
        data += more
    head, _, rest = data.partition(_END)
    if not rest and head.startswith(_OK):
        lines = head.decode("latin-1").split("\r\n")[1:]
        headers = {name.lower(): value.strip() for name, _, value in [line.partition(":") for line in lines]}
        is_last = headers.get("connection", _KEEP_ALIVE).lower() != _KEEP_ALIVE
        if headers.get("content-length") == "0" and not is_last:
            return WireAnswer(http.client.OK, headers, b""), True
    return _read_any(sock, data)


def _read_any(sock: socket.socket, begun: bytes) -> tuple[WireAnswer, bool]:
    """The same for whatever is not a plain success: bodies of any kind, and what comes before the answer."""
    response = http.client.HTTPResponse(cast("socket.socket", _Begun(sock, begun)), method="PUT")
    response.begin()
    content = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return WireAnswer(response.status, headers, content), not response.will_close


class _Begun(io.RawIOBase):
    """A socket of which some bytes have been read already, in the form that http.client asks for."""

    def __init__(self, sock: socket.socket, begun: bytes) -> None:
        self._sock = sock
        self._begun = begun

    def makefile(self, _mode: str) -> io.BufferedReader:
        """See `socket.makefile`."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        """See `io.IOBase.readable`."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """See `io.RawIOBase.readinto`."""
        if not self._begun:
            return self._sock.recv_into(buffer)
        count = min(len(buffer), len(self._begun))
        buffer[:count] = self._begun[:count]
        self._begun = self._begun[count:]
        return count
