"""What the control socket answers. Parsing is http.server's; the head is read by us first, whole, in bounded time."""

from __future__ import annotations

import io
import math
import time
import urllib.parse
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

import orjson

from vawsum_agent.core.requests import MOST
from vawsum_agent.core.units import parse_duration_s

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from vawsum_agent.daemon.requests import DrainReport

LARGEST_HEAD_BYTES = 16 << 10
HEAD_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
DEFAULT_DRAIN_S = 300.0
LONGEST_DRAIN_S = 3600.0
LAST_S = 60.0
"""Of requests, when nobody says from when on."""


@dataclass(frozen=True, slots=True)
class Routes:
    """What there is to ask for.

    Attributes:
        requests: tells what was asked of this host from a moment to another, in seconds since the epoch.
    """

    version: str
    status: Callable[[], dict[str, object]]
    drain: Callable[[float], DrainReport]
    requests: Callable[[float, float], dict[str, object]] | None = None


def answer(connection: socket.socket, routes: Routes) -> None:
    """Read one request, answer it, and leave the connection to be closed. Never raises for what the other side does."""
    try:
        head = _read_head(connection)
        if head:
            connection.settimeout(WRITE_TIMEOUT_S)
            _Handler(connection, head, routes)
    except OSError:
        return  # it left; there is nobody to tell


def _read_head(connection: socket.socket) -> bytes:
    """Everything to the empty line; all that came when it is too long or too slow, for the parser to refuse."""
    head = b""
    end = time.monotonic() + HEAD_TIMEOUT_S
    while b"\r\n\r\n" not in head and b"\n\n" not in head and len(head) <= LARGEST_HEAD_BYTES:
        connection.settimeout(max(0.01, end - time.monotonic()))
        try:
            piece = connection.recv(4096)
        except TimeoutError:
            return b""
        if not piece:
            break
        head += piece
    return head


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def __init__(self, connection: socket.socket, head: bytes, routes: Routes) -> None:
        self._head = head
        self._routes = routes
        super().__init__(connection, ("", 0), None)  # type: ignore[arg-type]  # it only passes the server on

    def setup(self) -> None:
        """Read from what came already."""
        self.connection = self.request
        self.rfile = io.BufferedReader(io.BytesIO(self._head))
        self.wfile = self.request.makefile("wb")

    def handle(self) -> None:
        """Answer one request; the connection is not kept."""
        if len(self._head) > LARGEST_HEAD_BYTES:
            self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
            self.send_error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            self.handle_one_request()

    def do_GET(self) -> None:
        """Answer what changes nothing."""
        path, _, query = self.path.partition("?")
        if path == "/status":
            self._send(HTTPStatus.OK, self._routes.status())
        elif path == "/version":
            self._send(HTTPStatus.OK, {"version": self._routes.version})
        elif path == "/requests" and self._routes.requests is not None:
            self._send_requests(self._routes.requests, urllib.parse.parse_qs(query))
        elif path == "/drain":
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Answer ``/drain``, the one thing that does something."""
        path, _, query = self.path.partition("?")
        if path != "/drain":
            known = path in ("/status", "/version", "/requests")
            self.send_error(HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND)
            return
        try:
            timeout_s = _drain_timeout_s(urllib.parse.parse_qs(query))
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, f"timeout: expected {error}")
            return
        report = self._routes.drain(timeout_s)
        if report.is_refused:
            self.send_error(HTTPStatus.CONFLICT, "a start, drain, reload or stop is under way")
            return
        rows = [{"name": outcome.name, "error": outcome.error} for outcome in report.outcomes]
        is_drained = all(outcome.error is None for outcome in report.outcomes)
        status = HTTPStatus.OK if is_drained else HTTPStatus.GATEWAY_TIMEOUT
        self._send(status, {"drained": is_drained, "components": rows})

    def _send_requests(
        self, requests: Callable[[float, float], dict[str, object]], query: dict[str, list[str]]
    ) -> None:
        try:
            until_at = _moment(query, "to", time.time())
            from_at = _moment(query, "from", max(0.0, until_at - LAST_S))
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
        else:
            self._send(HTTPStatus.OK, requests(from_at, until_at))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - http.server's signature
        """Answer an error as JSON."""
        self._send(HTTPStatus(code), {"error": message or HTTPStatus(code).phrase})

    def _send(self, status: HTTPStatus, document: dict[str, object]) -> None:
        body = orjson.dumps(document, default=str, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Name ourselves in the Server header."""
        return f"vawsum-agent/{self._routes.version}"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing: a status asked for every second is no event."""


def _moment(query: dict[str, list[str]], name: str, otherwise: float) -> float:
    """Read seconds since the epoch."""
    values = query.get(name)
    if not values:
        return otherwise
    try:
        moment = float(values[-1])
    except ValueError:
        moment = math.nan
    if not 0 <= moment <= MOST:
        raise ValueError(f"{name}: expected seconds since the epoch")
    return moment


def _drain_timeout_s(query: dict[str, list[str]]) -> float:
    values = query.get("timeout")
    timeout_s = parse_duration_s(values[-1]) if values else DEFAULT_DRAIN_S
    if timeout_s > LONGEST_DRAIN_S:
        raise ValueError("at most 1h")
    return timeout_s
