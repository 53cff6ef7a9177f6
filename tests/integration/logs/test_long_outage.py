"""CloudWatch is away for long, and the logs go on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import find_ids, prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog, Logrotate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

BUFFER_BYTES = 4 << 20
BEFORE_LINES = count(40_000, 400_000)
AWAY_S = count(12, 300)
AWAY_LINES = count(80_000, 1_500_000)
LINE_BYTES = 190
ROTATIONS = 3
GROWTH_BYTES = 12 << 20
"""What memory may differ by between shipping at full speed and waiting: allocator and sockets, no backlog."""


class Watch(threading.Thread):
    """Samples what the agent holds.

    Attributes:
        pending_bytes: the most that was read and not settled.
        resident_bytes: the most memory.
    """

    def __init__(self, agent: RunningAgent) -> None:
        super().__init__(daemon=True)
        self.pending_bytes = self.resident_bytes = self.samples = 0
        self._agent = agent
        self._is_over = threading.Event()

    def run(self) -> None:
        """Sample until stopped."""
        while not self._is_over.wait(0.1):
            self.pending_bytes = max(self.pending_bytes, self._agent.pending_bytes())
            self.resident_bytes = max(self.resident_bytes, self._agent.resident_bytes())
            self.samples += 1

    def stop(self) -> None:
        """Stop sampling."""
        self._is_over.set()
        self.join()


@pytest.mark.timeout(120 + 4 * AWAY_S)
def test_long_outage(agent: RunningAgent, sandbox: Sandbox, logs: Path, tell: Callable[[str], None]) -> None:
    """When CloudWatch away for a day, disk filling, then nothing read beyond `buffer`; memory flat; everything arrives
    afterwards, in order, at full speed.
    """  # noqa: D205 - the row as it stands in the table
    files = [CountedLog(logs / f"{name}.log") for name in ("a", "b")]
    rotation = Logrotate(logs.with_name("rotation"), {file.path: "create, compress, delaycompress" for file in files})
    agent.configure(source("web", logs / "*.log"), buffer="4MiB", drain_timeout="2s")

    def write(lines: int) -> int:
        for file in files:
            file.write(lines // 2, size=LINE_BYTES - 1)
        return sum(file.written_bytes for file in files)

    def speed(from_bytes: int, begun: float) -> float:
        return (written_bytes - from_bytes) / (time.monotonic() - begun) / 1e6

    written_bytes = write(BEFORE_LINES)
    begun = time.monotonic()
    agent.start_and_wait()
    watch = Watch(agent)
    watch.start()
    agent.wait_settled(written_bytes, AWAY_S + 60)
    usual = speed(0, begun)
    usual_resident = watch.resident_bytes

    sandbox.outage(3600, "refuse")
    settled = written_bytes
    ends_at = time.monotonic() + AWAY_S
    for _ in range(ROTATIONS):
        # Written in parts, so that the log grows while nothing can leave.
        written_bytes = write(AWAY_LINES // (ROTATIONS + 1))
        time.sleep(AWAY_S / (ROTATIONS + 1) / 2)
        rotation.run()
    written_bytes = write(AWAY_LINES // (ROTATIONS + 1))
    time.sleep(max(0.0, ends_at - time.monotonic()))
    assert agent.component("logs")["state"] == "degraded"
    assert agent.component("logs")["backlog_bytes"] >= written_bytes - settled
    # A tenth less: it took a moment to write the first of it, and to read that.
    assert agent.details()["oldest_pending_s"] >= 0.9 * AWAY_S - 2
    sandbox.calm()
    stored = sandbox.count()
    agent.wait_until(lambda: sandbox.count() > stored, "the agent tries again", 40)
    begun = time.monotonic()
    agent.wait_settled(written_bytes, AWAY_S + 60)
    afterwards = speed(settled, begun)
    watch.stop()

    came_up = (written_bytes - settled) / 1e6
    tell(f"{came_up:.0f} MB came up in {AWAY_S} s; {usual:.1f} MB/s before, {afterwards:.1f} after")
    tell(f"held at most {watch.pending_bytes / 2**20:.2f} MiB of {BUFFER_BYTES >> 20}, {watch.samples} samples")
    tell(f"resident at most {usual_resident / 2**20:.1f} MiB before, {watch.resident_bytes / 2**20:.1f} in all")
    assert watch.pending_bytes <= BUFFER_BYTES
    assert watch.resident_bytes <= usual_resident + GROWTH_BYTES
    assert afterwards >= usual / 2
    proof = prove_sandbox(sandbox, [key for file in files for key in file.texts])
    assert proof.is_clean, str(proof)
    for file in files:
        stream = f"i-test{file.path}"
        assert [find_ids(event.message)[0] for event in sandbox.events("/test/web", stream)] == [*file.texts]
    agent.assert_ledger(written_bytes)
