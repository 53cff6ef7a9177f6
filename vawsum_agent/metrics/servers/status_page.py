"""Fetches one status page over plain HTTP, in bounded time and memory.

Follows no redirect, uses no proxy, tries nothing again: the next round does.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.parse
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LARGEST_BYTES = 256 << 10
_LARGEST_HEAD_BYTES = 64 << 10

_SWITCHED_OFF = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_BEHIND = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


class _TooLargeError(Exception):
    """More came than a status page has."""


@dataclass(frozen=True, slots=True)
class StatusPage:
    """A page on which a server tells how it is.

    Attributes:
        server: whose page it is, as people call it.
        url: begins with ``http://``.
        snippet: the configuration of ours that switches the page on.
    """

    server: str
    url: str
    snippet: str

    @property
    def where(self) -> str:
        """The address for people, without a password that may be in it."""
        parts = urllib.parse.urlsplit(self.url)
        return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def fetch(self, limit_s: float) -> bytes:
        """Get the body.

        Args:
            limit_s: for all of it. A page that drips in, however steadily, is cut off.

        Raises:
            AgentError: no page came, in time, whole and with status 200; the hint says what to do.
        """
        try:
            status, body = self._exchange(time.monotonic() + limit_s)
        except TimeoutError as exc:
            raise self._failed(f"took longer than {limit_s:g} s", "it hangs or is overloaded") from exc
        except _TooLargeError as exc:
            message = f"is too large, or never ends: more than {LARGEST_BYTES >> 10} KiB came"
            raise self._failed(message, "does status_url name the status page?") from exc
        except (http.client.HTTPException, ValueError) as exc:
            message = f"does not answer in HTTP ({type(exc).__name__})"
            raise self._failed(message, "does status_url name the web server?") from exc
        except (ConnectionRefusedError, ConnectionResetError) as exc:
            raise self._failed("refuses connections", "is Apache running, and does it listen there?") from exc
        except OSError as exc:
            raise self._failed(f"can't be reached: {exc.strerror or exc}", "is the address right?") from exc
        if status != HTTPStatus.OK:
            raise self._refused(status)
        return body

    def unexpected(self, what: str, parameter: str) -> AgentError:
        """Make the error for a page that is another than the one asked for, the form of which ``parameter`` asks."""
        return self._failed(what, f"status_url has to end with ?{parameter}, and {self.snippet} to be switched on")

    def _exchange(self, end: float) -> tuple[int, bytes]:
        parts = urllib.parse.urlsplit(self.url)
        path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        query = urllib.parse.quote(parts.query, safe="/%:@!$&'()*+,;=~?")
        host = parts.netloc.rpartition("@")[2].encode("idna").decode("ascii")
        head = (
            f"GET {path}{'?' if query else ''}{query} HTTP/1.1",
            f"Host: {host}",
            "User-Agent: vawsum-agent",
            "Accept-Encoding: identity",
            "Connection: close",
        )
        with _connect(parts.hostname or "", parts.port or 80, end) as connection:
            connection.settimeout(_left_s(end))
            connection.sendall("\r\n".join((*head, "", "")).encode("ascii"))
            return _read_answer(connection, end)

    def _refused(self, status: int) -> AgentError:
        what = f"answered {status}"
        if status in _SWITCHED_OFF:
            return self._failed(what, f"switch the page on, for this host alone, with {self.snippet}")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return self._failed(what, "a redirect takes the page's place: exempt its path from it")
        if status in _BEHIND:
            return self._failed(what, f"is {self.server} running?")
        return self._failed(what, "the web server's error log tells more")

    def _failed(self, what: str, hint: str) -> AgentError:
        return AgentError(f"{self.server}'s status page {self.where} {what}", hint=hint)


def _left_s(end: float) -> float:
    left_s = end - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _connect(host: str, port: int, end: float) -> socket.socket:
    """Connect to the first address that takes us; all of them share the time."""
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left_s(end))
            connection.connect(address)
        except OSError as exc:
            connection.close()
            failure = exc
        else:
            return connection
    raise failure


def _read_answer(connection: socket.socket, end: float) -> tuple[int, bytes]:
    response = http.client.HTTPResponse(_Wire(connection, end))  # type: ignore[arg-type]  # it only calls makefile
    try:
        response.begin()
        body = response.read(LARGEST_BYTES + 1)
        if len(body) > LARGEST_BYTES:
            raise _TooLargeError
        if response.length:
            raise http.client.IncompleteRead(body, response.length)
        return response.status, body
    finally:
        response.close()


class _Wire:
    """The part of a socket that HTTPResponse uses, with a deadline over all it reads."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._raw = _Raw(connection, end)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _Raw(io.RawIOBase):
    """Reads from a socket until a moment of the monotonic clock, and no more than a page can be."""

    def __init__(self, connection: socket.socket, end: float) -> None:
        self._connection = connection
        self._end = end
        self._left_bytes = LARGEST_BYTES + _LARGEST_HEAD_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._connection.settimeout(_left_s(self._end))
        count = self._connection.recv_into(buffer)
        self._left_bytes -= count
        if self._left_bytes < 0:
            raise _TooLargeError
        return count
