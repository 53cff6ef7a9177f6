"""The floor: what reading, hashing and sending the same bytes over TLS costs, without looking at any of them.

No shipper that signs its requests (SHA-256 of the body, as SigV4 wants) can do with less for each byte it sends; ours
sends fewer, since it compresses, and pays for that.
"""

from __future__ import annotations

import hashlib
import http.client
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from tests.bench.daemon import BenchError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.nginx import Nginx

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How long so many bytes took, and how much CPU of the process that moved them."""

    size: int
    wall_s: float
    cpu_s: float

    @property
    def mb_per_s(self) -> float:
        """Megabytes (10⁶ bytes) of the file a second."""
        return self.size / 1e6 / self.wall_s

    @property
    def mb_per_cpu_s(self) -> float:
        """Megabytes (10⁶ bytes) of the file a second of CPU."""
        return self.size / 1e6 / self.cpu_s


def floor(path: Path, nginx: Nginx) -> Pace:
    """Read, hash and send `path` in requests of 1 MiB, one after the other, on one connection by one thread."""
    connection = http.client.HTTPSConnection(
        "localhost", nginx.port, timeout=_TIMEOUT_S, context=nginx.client_context()
    )
    connection.connect()
    wall, cpu = time.perf_counter(), time.thread_time()
    size = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK_BYTES):
            size += len(chunk)
            connection.request("POST", "/", chunk, {"X-Amz-Content-Sha256": hashlib.sha256(chunk).hexdigest()})
            response = connection.getresponse()
            response.read()
            if response.status != HTTPStatus.OK:
                message = f"nginx answered {response.status}"
                raise BenchError(message)
    pace = Pace(size, time.perf_counter() - wall, time.thread_time() - cpu)
    connection.close()
    return pace
