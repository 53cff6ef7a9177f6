"""Doing nothing: what the daemon costs while nobody writes."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.bench.daemon import Source, running
from tests.bench.nginx import Nginx
from tests.bench.table import Row, Target

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.daemon import Daemon
    from tests.bench.scale import Scale

_FEW, _MANY = 5, 1000
_FEW_SHARE, _MANY_SHARE = Target(0.2, is_at_most=True), Target(1.5, is_at_most=True)
_IDLE_RSS = Target(72, is_at_most=True)
_FULL_SHARE, _FULL_RSS = Target(0.5, is_at_most=True), Target(85, is_at_most=True)
_LINES = 20
_ARRIVAL_S = 60.0
_WINDOWS = 3


def idle(directory: Path, scale: Scale) -> list[Row]:
    """Let daemons rest side by side, with few followed files, with many, with metrics; all lines are sent already."""
    with ExitStack() as stack:
        nginx = stack.enter_context(Nginx(directory / "nginx"))
        few = stack.enter_context(_settled(directory / "few", nginx, _FEW))
        many = stack.enter_context(_settled(directory / "many", nginx, _MANY))
        full = stack.enter_context(_settled(directory / "full", nginx, _FEW, "[metrics]\n"))
        time.sleep(scale.settle_s)
        memory = few.rss()
        shares = [_shares([few, many, full], scale.idle_s / _WINDOWS) for _ in range(_WINDOWS)]
        return [
            Row("resident, idle", "MB", [memory / 1e6], _IDLE_RSS),
            Row(f"idle CPU, {_FEW} followed files", "% of a core", [share[0] for share in shares], _FEW_SHARE),
            Row(f"idle CPU, {_MANY} followed files", "% of a core", [share[1] for share in shares], _MANY_SHARE),
            Row(f"resident, idle, {_MANY} followed files", "MB", [many.rss() / 1e6]),
            Row("idle CPU, logs and metrics", "% of a core", [share[2] for share in shares], _FULL_SHARE),
            Row("resident, idle, logs and metrics", "MB", [full.rss() / 1e6], _FULL_RSS),
        ]


@contextmanager
def _settled(directory: Path, nginx: Nginx, count: int, tables: str = "") -> Iterator[Daemon]:
    """Run a daemon that follows so many files and has sent all that is in them."""
    logs = directory.with_suffix(".logs")
    size = _write_logs(logs, count)
    with running(directory, nginx, [Source(str(logs / "*.log"))], tables=tables) as daemon:
        daemon.wait_accepted(size, _ARRIVAL_S)
        yield daemon


def _shares(daemons: list[Daemon], window_s: float) -> list[float]:
    """Measure the CPU of each over a window, in percent of a core."""
    began, before = time.monotonic(), [daemon.cpu_s() for daemon in daemons]
    time.sleep(window_s)
    took = time.monotonic() - began
    return [100 * (daemon.cpu_s() - cpu) / took for daemon, cpu in zip(daemons, before, strict=True)]


def _write_logs(folder: Path, count: int) -> int:
    """Write the files; returns how many bytes they hold together."""
    folder.mkdir()
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
    size = 0
    for index in range(count):
        line = f'192.0.2.{index % 250} - - [{stamp}] "GET /{index} HTTP/1.1" 200 {index} "-" "Mozilla/5.0"\n'
        size += (folder / f"site-{index}.log").write_text(line * _LINES)
    return size
