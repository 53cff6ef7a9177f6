"""Catching up: a file is there at once, and the clock runs from its first byte read to its last byte accepted."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.daemon import BenchError, Source, running
from tests.bench.files import REPOSITORY
from tests.bench.floor import Pace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.daemon import Daemon
    from tests.bench.nginx import Nginx

LIVE = REPOSITORY / "build" / "bench-live"

_FIRST_READ_BYTES = 1 << 18
_BEGIN_S = 10.0
_LIMIT_S = 120.0
_FLUSH_INTERVAL = "100ms"
"""The end of the file, which fills no batch, waits that long. It is part of the time measured."""


@dataclass(frozen=True, slots=True)
class Run:
    """One catch-up."""

    pace: Pace
    peak_rss: int
    nginx_cpu_s: float


def catch_up(
    path: Path,
    directory: Path,
    nginx: Nginx,
    log_format: str = "apache-access",
    redact: tuple[str, ...] = (),
    tables: str = "",
) -> Run:
    """Have a fresh daemon ship `path`, which becomes visible to it once it is up."""
    LIVE.mkdir(parents=True, exist_ok=True)
    live = LIVE / f"{directory.name}.log"
    live.unlink(missing_ok=True)
    source = Source(str(live), log_format, redact)
    try:
        with running(directory, nginx, [source], _FLUSH_INTERVAL, tables) as daemon:
            nginx_before_s = nginx.cpu_s()
            pace = _measure(daemon, path, live)
            return Run(pace, daemon.peak_rss(), nginx.cpu_s() - nginx_before_s)
    finally:
        live.unlink(missing_ok=True)


def _measure(daemon: Daemon, path: Path, live: Path) -> Pace:
    size = path.stat().st_size
    before = daemon.read_bytes()
    cpu = daemon.cpu_s()
    os.link(path, live)
    _wait_read(daemon, before + _FIRST_READ_BYTES, _BEGIN_S, poll_s=0.002)
    wall = time.perf_counter()
    _wait_read(daemon, before + size, _LIMIT_S, poll_s=0.01)
    daemon.wait_accepted(size, _LIMIT_S, poll_s=0.02)
    return Pace(size, time.perf_counter() - wall, daemon.cpu_s() - cpu)


def _wait_read(daemon: Daemon, until: int, limit_s: float, poll_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while daemon.read_bytes() < until:
        if time.monotonic() > deadline or not daemon.agent.is_running:
            message = f"the daemon does not read on; it said:\n{daemon.last_words()}"
            raise BenchError(message)
        time.sleep(poll_s)
