"""No space left where the agent keeps its state."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import Logrotate, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox

DISK_BYTES = count(24, 96) << 20
FULL_S = count(6, 120)


class Disk:
    """A small file system, mounted for the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0755", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"can't mount a file system of its own here: {done.stderr.strip()} (needs root)")

    def fill(self) -> None:
        """Take every free byte, and go on doing so for whatever is given up."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        file.write(b"\0" * size)
                except OSError:
                    continue
        assert self.free_bytes() == 0

    def free(self) -> None:
        """Give all of it back."""
        self._filler.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Return what is left."""
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def unmount(self) -> None:
        """Take it away."""
        subprocess.run(["umount", "-l", self.folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk."""
    disk = Disk(tmp_path / "disk")
    yield disk
    disk.unmount()


def wait_degraded(agent: RunningAgent, disk: Disk) -> None:
    """Wait until it says so; what it gives up meanwhile is taken, too."""

    def is_degraded() -> bool:
        disk.fill()
        return agent.component("logs").get("state") == "degraded"

    agent.wait_until(is_degraded, "it says that the disk is full")


@pytest.mark.timeout(60 + 4 * FULL_S)
def test_disk_full(disk: Disk, agent: RunningAgent, sandbox: Sandbox, logs: Path, tell: Callable[[str], None]) -> None:
    """When disk full, then shipping goes on, on the store's reserve; `status` degraded with the reason; well again by
    itself.
    """  # noqa: D205 - the row as it stands in the table
    agent.state_dir = disk.folder / "state"
    writers = [Writer(name, logs / f"{name}.log", "access", 150) for name in ("a", "b")]
    rotation = Logrotate(
        logs.with_name("rotation"), {w.path: "create, compress, delaycompress" for w in writers}, writers
    )
    agent.configure(source("web", logs / "*.log"))
    for writer in writers:
        writer.start()
    agent.start_and_wait()
    agent.wait_stored(100)
    assert agent.component("logs")["state"] == "running"

    disk.fill()
    stored = sandbox.count()
    wait_degraded(agent, disk)
    assert "the disk of state_dir is full" in agent.component("logs")["last_error"]
    code, text = agent.command("status")
    assert (code, "is full" in text) == (1, True), text
    ends_at = time.monotonic() + FULL_S
    while time.monotonic() < ends_at:
        stored = sandbox.count()
        agent.wait_until(lambda at=stored: sandbox.count() > at + 300, "shipping goes on", 15)  # type: ignore[misc]
        rotation.run()
    for end in (agent.kill, agent.stop, agent.kill):
        end()
        disk.fill()
        agent.start_and_wait()
        wait_degraded(agent, disk)
        stored = sandbox.count()
        agent.wait_until(lambda at=stored: sandbox.count() > at + 300, f"shipping goes on after {end}")  # type: ignore[misc]

    disk.free()
    agent.wait_until(lambda: agent.component("logs")["state"] == "running", "it is well again by itself")
    for writer in writers:
        writer.stop()
    written_bytes = sum(writer.written_bytes for writer in writers)
    agent.wait_settled(written_bytes)
    proof = prove_sandbox(sandbox, {key: text for writer in writers for key, text in writer.texts.items()})
    tell(str(proof))
    assert proof.is_clean, str(proof)
    agent.assert_ledger(written_bytes)
