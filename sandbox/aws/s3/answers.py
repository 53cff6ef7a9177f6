"""What S3 says: a head, and a body that is short or lies on disk."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.aws.s3.bodies import Content

Fields = tuple[tuple[str, str], ...]
XML = ("Content-Type", "application/xml")


@dataclass(frozen=True, slots=True)
class S3Answer:
    """An answer.

    Attributes:
        status: of HTTP.
        fields: of the head, without those that every answer has.
        body: all of a short body.
        content: the body, where it lies on disk.
    """

    status: int = 200
    fields: Fields = ()
    body: bytes = b""
    content: Content | None = None

    @property
    def size_bytes(self) -> int:
        """How long the body is, sent or not."""
        return self.content.size_bytes if self.content is not None else len(self.body)

    def head(self, request_id: str, *, clock_offset_s: float = 0.0, keep_alive: bool = True) -> bytes:
        """Return the bytes before the body, blank line included."""
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"x-amz-request-id: {request_id}",
            f"x-amz-id-2: {request_id}{request_id}",
            f"Date: {formatdate(time.time() + clock_offset_s, usegmt=True)}",
            *(f"{key}: {value}" for key, value in self.fields),
        ]
        if self.status not in {204, 304}:
            lines.append(f"Content-Length: {self.size_bytes}")
        lines.append("Server: AmazonS3")
        if not keep_alive:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
