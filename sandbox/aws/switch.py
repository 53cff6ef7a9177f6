"""Between client and gates: S3's requests go one way, everything else, the admin API included, another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.aws.gate import ADMIN_PREFIX
from sandbox.aws.requests import read_request

if TYPE_CHECKING:
    from sandbox.aws.connection import Connection
    from sandbox.aws.gate import Gate
    from sandbox.aws.s3.gate import S3Gate
    from sandbox.aws.wire import Head


class Switch:
    """Sends each request to the gate of its service. What is S3's, only the signature's scope says."""

    def __init__(self, gate: Gate, s3: S3Gate) -> None:
        self._gate = gate
        self._s3 = s3

    def handle(self, connection: Connection, head: Head) -> bool:
        """Answer one request. Returns whether the connection can carry another."""
        request = read_request(head)
        if request.service == "s3" and not request.target.startswith(ADMIN_PREFIX):
            return self._s3.handle(connection, request)
        return self._gate.handle(connection, head)
