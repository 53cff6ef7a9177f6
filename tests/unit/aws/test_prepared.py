"""Prepared calls, on a real HTTP server: later requests are what botocore's first one was, errors are botocore's."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import botocore.session
import pytest

from vawsum_agent.aws.logs import LogsClient, RejectedEvents
from vawsum_agent.aws.session import AwsSession
from vawsum_agent.core.errors import AccessDenied, NotFound, Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OK = (200, b"{}")


class Service(ThreadingHTTPServer):
    """Answers one after the other what it is given, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, bytes]] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        status, answer = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def serving(
    folder: Path, *answers: tuple[int, bytes], token: str | None = None
) -> Iterator[tuple[Service, LogsClient]]:
    """Run a service with a client on it."""
    with Service() as service:
        service.answers += answers
        threading.Thread(target=service.serve_forever, daemon=True).start()
        session = botocore.session.Session()
        session.set_credentials("AKIA0", "secret", token)
        configuration = folder / "config"
        configuration.write_text(f"[default]\nendpoint_url = http://127.0.0.1:{service.server_port}\n")
        session.set_config_variable("config_file", str(configuration))
        yield service, LogsClient(AwsSession(session, "ap-south-1"))
        service.shutdown()


@pytest.mark.parametrize("token", [None, "session-token"])
def test_later_requests_are_like_the_first(tmp_path: Path, token: str | None) -> None:
    """Body, target, encoding and signed headers are the same; what belongs to one call is new or left out."""
    with serving(tmp_path, OK, OK, token=token) as (service, client):
        client.put("group", "stream", b"first")
        client.put("group", "stream", b"second")
    (first, first_body), (second, second_body) = service.requests
    assert (first_body, second_body) == (b"first", b"second")
    for name in ("X-Amz-Target", "Content-Type", "Content-Encoding", "User-Agent", "Host", "X-Amz-Security-Token"):
        assert first.get(name) == second.get(name)
    signed = [re.sub(r"Signature=.*", "", request["Authorization"]) for request in (first, second)]
    assert signed[0] == signed[1]
    assert "amz-sdk-invocation-id" in first
    assert "amz-sdk-invocation-id" not in second


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (400, b'{"__type":"ThrottlingException","message":"slow down"}', Throttled),
        (400, b'{"__type":"ResourceNotFoundException","message":"no group"}', NotFound),
        (400, b'{"__type":"com.amazonaws#AccessDeniedException","Message":"no"}', AccessDenied),
        (503, b"<html>Service Unavailable</html>", Unavailable),
    ],
)
def test_errors_are_the_same_on_both_ways(tmp_path: Path, status: int, answer: bytes, error: type[Exception]) -> None:
    """The first call and a later one raise the same error with the same text."""
    with serving(tmp_path, (status, answer), OK, (status, answer)) as (_, client):
        with pytest.raises(error) as first:
            client.put("group", "stream", b"x")
        client.put("group", "stream", b"x")
        with pytest.raises(error) as later:
            client.put("group", "stream", b"x")
    assert str(first.value) == str(later.value)


def test_rejected_events_are_read_on_both_ways(tmp_path: Path) -> None:
    """What the service says of single events arrives."""
    answer = (200, b'{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":2}}')
    with serving(tmp_path, answer, answer) as (_, client):
        answers = [client.put("group", "stream", b"x") for _ in range(2)]
    assert answers == [RejectedEvents(too_old_end=2)] * 2
