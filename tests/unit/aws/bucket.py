"""A throwaway S3 that answers what it is told to, and remembers what it was asked; and sessions for it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import botocore.session

from vawsum_agent.aws.session import AwsSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "ap-south-1"


@dataclass(frozen=True)
class Answer:
    """Of a PUT; the checksum is the one that was sent, unless another is given."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"e"'})
    checksum: str | None = None


def error(status: int, code: str, more: str = "") -> Answer:
    """Make an answer of S3 that refuses."""
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message>{more}</Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})


class S3(ThreadingHTTPServer):
    """Gives its answers one after the other."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: S3

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fields = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, fields, body))
        answer = self.server.answers.pop(0)
        self.send_response(answer.status)
        checksum = fields["x-amz-checksum-sha256"] if answer.checksum is None else answer.checksum
        confirmed = {"x-amz-checksum-sha256": checksum} if checksum and answer.status == 200 else {}
        for name, value in {**answer.headers, **confirmed, "Content-Length": str(len(answer.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def session_with(folder: Path, settings: str = "", token: str | None = None) -> AwsSession:
    """Open a session whose configuration file holds ``settings``."""
    session = botocore.session.Session()
    session.set_credentials("AKIA0", "secret", token)
    configuration = folder / "config"
    configuration.write_text(f"[default]\n{settings}\n")
    session.set_config_variable("config_file", str(configuration))
    return AwsSession(session, REGION)


@contextmanager
def serving(folder: Path, *answers: Answer, token: str | None = None) -> Iterator[tuple[S3, AwsSession]]:
    """Run a service with a session for it."""
    with S3() as service:
        service.answers += answers
        threading.Thread(target=service.serve_forever, daemon=True).start()
        yield service, session_with(folder, f"endpoint_url = http://127.0.0.1:{service.server_port}", token)
        service.shutdown()
