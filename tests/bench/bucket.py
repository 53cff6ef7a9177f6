"""A bucket's stand-in: takes whole objects over TLS, keeps none, and confirms the checksum that came with each.

In a process of its own, so that what is measured is the client alone.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from typing import TYPE_CHECKING

from sandbox.aws.certificate import make_certificate
from sandbox.servers.process import Server, free_port, is_listening

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_LONGEST_HEAD_BYTES = 1 << 16


class Bucket(Server):
    """An S3 of any bucket; the objects are gone at once."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.port = free_port()
        self._authority = directory / "ca.pem"

    def prepare(self) -> None:
        """Make a certificate."""
        make_certificate(self.directory)

    def command(self) -> Sequence[str]:
        """See `Server.command`."""
        return [sys.executable, "-m", "tests.bench.bucket", str(self.directory), str(self.port)]

    def is_ready(self) -> bool:
        """See `Server.is_ready`."""
        return is_listening(self.port)

    def environment(self) -> dict[str, str]:
        """Variables that point an AWS SDK here, over a copy of our own without any other AWS setting."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        return {
            **kept,
            "AWS_ENDPOINT_URL": f"https://127.0.0.1:{self.port}",
            "AWS_CA_BUNDLE": str(self._authority),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "AKIABENCH00000000000",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "NO_PROXY": "127.0.0.1,localhost",
        }


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            fields = _fields(await reader.readuntil(b"\r\n\r\n"))
            if b"expect" in fields:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await reader.readexactly(int(fields.get(b"content-length", b"0")))
            checksum = fields.get(b"x-amz-checksum-sha256", b"")
            writer.write(
                b'HTTP/1.1 200 OK\r\nETag: "bench"\r\nx-amz-checksum-sha256: %b\r\nContent-Length: 0\r\n\r\n' % checksum
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _fields(head: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return {name.strip().lower(): value.strip() for name, _, value in lines}


async def _run(folder: str, port: int) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/server.pem", f"{folder}/server.key")
    server = await asyncio.start_server(_serve, "127.0.0.1", port, ssl=context, limit=_LONGEST_HEAD_BYTES)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], int(sys.argv[2])))
