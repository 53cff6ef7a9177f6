"""From a line written to the request that carries it, at a service that writes down when each came."""

from __future__ import annotations

import random
import statistics
import time
import zlib
from typing import TYPE_CHECKING

import orjson

from tests.bench.answering import Answering
from tests.bench.daemon import BenchError, Source, running
from tests.bench.nginx import Nginx
from tests.bench.table import Row, Target

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.scale import Scale

FLUSH_INTERVAL_S = 2.0
_ALLOWED_S = 0.5
_PAUSES_S = (0.2, 3.0)
_LAST_S = 20.0
_GZIP_WBITS = 31


class _Arrivals:
    """When each line came; filled by the answering thread."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def look(self, body: bytes) -> None:
        """Read the lines out of a request."""
        now = time.monotonic()
        for event in orjson.loads(zlib.decompress(body, wbits=_GZIP_WBITS))["logEvents"]:
            self.at.setdefault(event["message"].rsplit(" ", 1)[1], now)


def latency(directory: Path, scale: Scale) -> list[Row]:
    """Write single lines, some alone, some while an earlier one waits for its batch."""
    log = directory / "access.log"
    log.touch()
    arrivals = _Arrivals()
    with (
        Answering(directory / "recording.sock", look=arrivals.look) as answering,
        Nginx(directory / "nginx", answering=answering.path, passes_bodies=True) as nginx,
        running(directory / "agent", nginx, [Source(str(log))], f"{FLUSH_INTERVAL_S:g}s"),
    ):
        written = _write_lines(log, scale.lines)
        deadline = time.monotonic() + _LAST_S
        while len(arrivals.at) < len(written):
            if time.monotonic() > deadline:
                message = f"{len(arrivals.at)} of {len(written)} lines arrived"
                raise BenchError(message)
            time.sleep(0.05)
    waits = sorted(arrivals.at[line] - at for line, at in written.items())
    limit = Target(FLUSH_INTERVAL_S + _ALLOWED_S, is_at_most=True)
    return [
        Row(f"line to CloudWatch, median of {len(waits)}", "s", [statistics.median(waits)], limit),
        Row(f"line to CloudWatch, longest of {len(waits)}", "s", [waits[-1]], limit),
    ]


def _write_lines(log: Path, count: int) -> dict[str, float]:
    dice = random.Random(8)
    written = {}
    with log.open("a", buffering=1) as file:
        for index in range(count):
            time.sleep(dice.uniform(*_PAUSES_S))
            stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
            written[f"line-{index}"] = time.monotonic()
            file.write(f'192.0.2.1 - - [{stamp}] "GET / HTTP/1.1" 200 5 "-" line-{index}\n')
    return written
