"""A million files waiting."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.images.moving.running import BUCKET, JPEG_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

FILES = count(20_000, 1_000_000)
A_FOLDER = 1_000
SCAN_LIMIT_S = 60.0
STATUS_LIMIT_S = 2.0
RESIDENT_LIMIT_MB = 110
WATCHED_S = count(3, 60)


def fill(uploads: Uploads) -> None:
    """Write the pictures: small ones, of the folder's owner."""
    found = uploads.path.stat()
    for first in range(0, FILES, A_FOLDER):
        folder = uploads.path / f"{first // A_FOLDER}"
        folder.mkdir()
        os.chown(folder, found.st_uid, found.st_gid)
        descriptor = os.open(folder, os.O_RDONLY)
        for number in range(first, min(FILES, first + A_FOLDER)):
            file = os.open(f"IMG_{number:08d}.jpg", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor)
            os.write(file, JPEG_HEAD + b"%08d" % number)
            os.fchown(file, found.st_uid, found.st_gid)
            os.close(file)
        os.close(descriptor)


class Watch:
    """Asks for the status all the time, and notes the slowest answer."""

    def __init__(self, agent: MovingAgent) -> None:
        self._agent = agent
        self.slowest_s = 0.0

    def ask_until(self, holds: Callable[[], object], limit_s: float) -> None:
        """Ask until something holds."""
        ends_at = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < ends_at
            begun = time.monotonic()
            assert self._agent.status() is not None
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
            time.sleep(0.02)


def memory_mb(pid: int) -> dict[str, float]:
    """What a process has resident, now and at most."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    rows = dict(line.split(":", 1) for line in lines)
    return {name: int(rows[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


@pytest.mark.timeout(count(120, 3600))
def test_a_million_files(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
    """1,000,000 files waiting: scan ≤ 60 s, resident ≤ 110 MB, `status` at once."""
    fill(uploads)
    time.sleep(1.1)  # all are older than min_age
    refusal = sandbox.fault("unavailable", operation="s3:PutObject")
    agent.start_and_wait()
    watch = Watch(agent)
    watch.ask_until(lambda: agent.folder()["due_count"] == FILES, SCAN_LIMIT_S * 3)
    scan_s = agent.folder()["scan_took_s"]
    scanned = memory_mb(agent.pid)
    sandbox.calm(refusal)
    ends_at = time.monotonic() + WATCHED_S
    watch.ask_until(lambda: time.monotonic() > ends_at, WATCHED_S + 60)
    watch.ask_until(lambda: agent.folder()["moved_count"] > 0, 90)
    moved = agent.folder()["moved_count"]
    begun = time.monotonic()
    assert agent.run("images", "plan", limit_s=count(120, 1200)).returncode == 0
    plan_s = time.monotonic() - begun
    while_moving = memory_mb(agent.pid)
    begun = time.monotonic()
    assert agent.stop() in {0, 1}
    stop_s = time.monotonic() - begun
    tell(
        f"{FILES:,} files: scanned in {scan_s:.1f} s, resident {scanned['VmRSS']:.1f} MB after it, at most"
        f" {while_moving['VmHWM']:.1f}; slowest status {watch.slowest_s:.2f} s; {moved:,} moved in {WATCHED_S} s;"
        f" plan beside it {plan_s:.1f} s; stop {stop_s:.1f} s"
    )
    assert scan_s <= SCAN_LIMIT_S
    assert while_moving["VmHWM"] <= RESIDENT_LIMIT_MB
    assert watch.slowest_s < STATUS_LIMIT_S
    assert len(sandbox.objects(BUCKET)) >= moved
    subprocess.run(["rm", "-rf", uploads.path], check=True)
