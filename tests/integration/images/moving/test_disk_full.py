"""No space, or no inodes, where the pictures and the agent's state are."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.integration.images.moving.running import BUCKET, MovingAgent, Uploads, assert_stored, own, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox

JOBS, PRESSURE_JOBS = 2, 8
PICTURES = 120


class Disk:
    """A small file system of the test's own, which it can fill."""

    def __init__(self, folder: Path, options: str) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"{options},mode=0755", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"can't mount a file system of its own here: {done.stderr.strip()} (needs root)")

    def fill_space(self) -> None:
        """Take every free byte, also of what is given up meanwhile."""
        with (self.folder / "filler").open("ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        assert os.statvfs(self.folder).f_bavail == 0

    def fill_inodes(self) -> None:
        """Take every free name."""
        many = self.folder / "many"
        many.mkdir(exist_ok=True)
        number = len(list(many.iterdir()))
        try:
            while True:
                (many / f"{number}").touch()
                number += 1
        except OSError:
            pass
        assert os.statvfs(self.folder).f_ffree == 0

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", self.folder], check=True)


@pytest.fixture(params=["space", "inodes"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Disk, Callable[[], None]]]:
    """A small disk, and what fills it."""
    disk = Disk(tmp_path / "disk", "size=48m" if request.param == "space" else "size=200m,nr_inodes=1500")
    yield disk, disk.fill_space if request.param == "space" else disk.fill_inodes
    disk.unmount()


def test_disk_full(
    disk: tuple[Disk, Callable[[], None]], sandbox: Sandbox, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Disk full, inodes full: moving still works, since it is what makes room; the pressure shows in `status`, and
    more uploads run at once. So it is after a `kill -9` and a start on the full disk.
    """  # noqa: D205 - the row as it stands in the table
    small, fill = disk
    uploads = Uploads(small.folder / "uploads")
    agent = MovingAgent(small.folder / "agent", sandbox)
    agent.runtime_dir = tmp_path / "run"  # /run is never on that disk
    agent.runtime_dir.mkdir()
    own(agent.runtime_dir)
    agent.configure(uploads, images=f"jobs = {JOBS}\npressure_jobs = {PRESSURE_JOBS}")
    try:
        agent.start_and_wait()
        uploads.put("first.jpg")
        agent.wait_moved(uploads)
        assert agent.folder()["is_under_pressure"] is False
        sandbox.fault("latency", operation="s3:PutObject", latency_s=0.1)
        for end in (lambda: None, agent.kill):
            _full_and_moved(agent, uploads, sandbox, fill, end)
        most = sandbox.requests()["most_at_once"][f"s3:{BUCKET}"]
        tell(f"{agent.folder()['moved_count']} moved from a full disk, {most} requests at once")
        assert JOBS < most <= PRESSURE_JOBS
        agent.wait_until(lambda: agent.folder()["moved_count"] == len(uploads.written), "all are counted")
        assert agent.stop() == 0
    finally:
        agent.kill()


def _full_and_moved(
    agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, fill: Callable[[], None], end: Callable[[], object]
) -> None:
    """Fill the disk while S3 is away, let it come back, and see everything move."""
    number = sandbox.fault("unavailable", operation="s3:PutObject")
    names = [f"{len(uploads.written) + number}.jpg" for number in range(PICTURES)]
    for name in names:
        uploads.put(name, picture(name, 20_000))
    end()
    fill()
    if not agent.is_running:
        agent.start_and_wait()
    agent.wait_until(lambda: agent.folder().get("is_under_pressure"), "the pressure shows")
    assert 100 in {agent.folder()["disk_used_percent"], agent.folder()["inodes_used_percent"]}
    agent.wait_until(lambda: agent.folder()["due_count"] >= PICTURES, "the backlog shows")
    fill()
    sandbox.calm(number)
    agent.wait_until(lambda: not any((uploads.path / name).exists() for name in names), "all move")
    assert_stored(sandbox, {name: uploads.written[name] for name in names})
