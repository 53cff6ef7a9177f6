"""One request to this host's own web server, over a connection of its own, in bounded time and memory.

It goes past proxies and follows no redirect: what counts is what this server answers by itself.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[["Question", float], "Reply"]

LARGEST_BYTES = 64 << 10
"""Of an answer is read."""

_PATH_SAFE = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        url: begins with ``http://``, or ``https://``.
        host: the Host header; empty for what the URL says.
    """

    url: str
    host: str = ""

    @property
    def where(self) -> str:
        """The address for people, without a password that may be in it."""
        parts = urlsplit(self.url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        status: of HTTP; 0 where no answer came.
        body: its beginning.
        failure: why no answer came; empty where one did.
    """

    status: int = 0
    body: bytes = b""
    failure: str = ""

    @property
    def is_well(self) -> bool:
        """Whether it is 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def __str__(self) -> str:
        return self.failure or f"answered {self.status}"


def ask_server(question: Question, limit_s: float) -> Reply:
    """Ask. Raises nothing that a server or network does: the reply tells.

    Args:
        question: what.
        limit_s: for all of it; an answer that drips in is cut off.
    """
    parts = urlsplit(question.url)
    target = quote(parts.path or "/", safe=_PATH_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_PATH_SAFE + "?")
    headers = {"User-Agent": "vawsum-agent", "Accept": "*/*", "Connection": "close"}
    if question.host:
        headers["Host"] = question.host
    connection = _connection(parts, limit_s)
    cutter = _Cutter(limit_s)
    try:
        with cutter:
            connection.connect()
            cutter.opened = connection.sock
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            reply = Reply(response.status, response.read(LARGEST_BYTES))
    except (OSError, http.client.HTTPException, ValueError) as exc:
        reply = Reply(failure=f"gave no answer in {limit_s:.3g} s" if cutter.has_cut else _failure(exc, limit_s))
    finally:
        connection.close()
    # Cut amid the body, it looks as if it had ended.
    return Reply(failure=f"did not end its answer in {limit_s:.3g} s") if cutter.has_cut and reply.status else reply


class _Cutter:
    """Ends a connection when its time is up, whatever it is at: a socket's own timeout is one for each read."""

    def __init__(self, limit_s: float) -> None:
        self.has_cut = False
        self.opened: socket.socket | None = None
        self._timer = threading.Timer(limit_s, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _cut(self) -> None:
        self.has_cut = True
        if self.opened is not None:
            with contextlib.suppress(OSError):
                self.opened.shutdown(socket.SHUT_RDWR)


def _connection(parts: SplitResult, limit_s: float) -> http.client.HTTPConnection:
    name = parts.hostname or ""
    if parts.scheme != "https":
        return http.client.HTTPConnection(name, parts.port or 80, timeout=limit_s)
    context = ssl.create_default_context()
    if _is_this_host(name):
        # The certificate is made out for the world's name of it, and nobody is between us and ourselves.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(name, parts.port or 443, timeout=limit_s, context=context)


def _is_this_host(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _failure(exc: Exception, limit_s: float) -> str:
    if isinstance(exc, TimeoutError):
        return f"gave no answer in {limit_s:.3g} s"
    if isinstance(exc, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(exc, ConnectionError | http.client.RemoteDisconnected):
        return "broke the connection off"
    if isinstance(exc, OSError):
        return f"can't be reached: {exc.strerror or exc}"
    return f"does not answer in HTTP ({type(exc).__name__})"
