"""Talks to the admin API of a running sandbox, a connection a request."""

from __future__ import annotations

from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_S = 60.0


class SandboxError(Exception):
    """The sandbox did not start, or refused an admin request."""


class AdminClient:
    """The admin API at a host and port."""

    def __init__(self, address: str) -> None:
        self._address = address

    def call(self, method: str, path: str, document: object = None) -> Any:  # noqa: ANN401 - any JSON value
        """Send a document, if there is one, and return the one that is answered."""
        with self._asked(method, path, b"" if document is None else orjson.dumps(document)) as response:
            return orjson.loads(response.read())

    def lines(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield what is answered line by line."""
        with self._asked("GET", f"{path}?{urlencode(query)}") as response:
            for line in response:
                yield orjson.loads(line)

    def raw(self, method: str, path: str, body: bytes = b"", **query: str) -> bytes:
        """Send bytes and return those that are answered."""
        with self._asked(method, f"{path}?{urlencode(query)}", body) as response:
            return response.read()

    @contextmanager
    def _asked(self, method: str, path: str, body: bytes = b"") -> Iterator[HTTPResponse]:
        connection = HTTPConnection(self._address, timeout=LIMIT_S)
        try:
            connection.request(method, f"/_sandbox/{path}", body)
            response = connection.getresponse()
            if response.status >= 400:
                raise SandboxError(response.read().decode())
            yield response
        finally:
            connection.close()
