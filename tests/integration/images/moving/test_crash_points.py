"""A crash of the daemon at every step of moving a picture."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.counts import IS_SOAK, count
from tests.integration.images.moving.running import MovingAgent, Uploads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

PICTURES = 12
POINTS = [
    ("ObjectStore.put", "after", 3),
    ("Quarantine.take_in", "after", 5),
    ("Quarantine.drop", "before", 1),
    ("Quarantine.drop", "after", 4),
    ("KnownFiles.remember", "before", 1),
]
"""What is called, and whether the process dies before or after which call of it."""
if IS_SOAK:
    POINTS += [
        (step, when, number)
        for step in ("ObjectStore.put", "quarantine.rename_new", "Quarantine.drop", "Quarantine.tidy")
        for when in ("before", "after")
        for number in (1, 2, 6, 11)
    ]
    POINTS += [
        ("KnownFiles.remember", "after", 1),
        ("Quarantine.recover", "after", 1),
        ("ObjectStore.put", "after", 12),
    ]
AT_ONCE = 4
DIE_LIMIT_S = 40.0


class Host:
    """A folder and an agent whose first life ends at a step."""

    def __init__(self, folder: Path, sandbox: Sandbox, prefix: str) -> None:
        self.uploads = Uploads(folder / "uploads")
        self.agent = MovingAgent(folder / "agent", sandbox, prefix)
        self.agent.configure(self.uploads)

    def crash(self, step: str, when: str, number: int) -> None:
        """Die there, and start again."""
        try:
            for name in range(PICTURES):
                self.uploads.put(f"{name % 3}/{name}.jpg")
            self.agent.start_to_die(step, when, number)
            ends_at = time.monotonic() + DIE_LIMIT_S
            while self.agent.is_running:
                assert time.monotonic() < ends_at, "it never came to that step"
                time.sleep(0.05)
            assert self.agent.stop() == -9
            self._assert_all_somewhere()
            self.uploads.put("1/1.jpg")
            self.agent.start_and_wait()
            self.agent.wait_moved(self.uploads)
            self.uploads.assert_nowhere_but()
            assert self.agent.stop() == 0
        finally:
            self.agent.kill()

    def _assert_all_somewhere(self) -> None:
        """Each is at its place, in the quarantine, or in the bucket."""
        here = set(self.uploads.local().values())
        gone = {name: content for name, content in self.uploads.written.items() if content not in here}
        self.agent.assert_stored(gone)


@pytest.mark.timeout(count(120, 1800))
def test_crash_points(sandbox: Sandbox, tmp_path: Path, tell: Callable[[str], None]) -> None:
    """`kill -9` at every journalled step: every image is local or in S3 with the right SHA-256; none lost, none
    corrupted, none left in quarantine.
    """  # noqa: D205 - the row as it stands in the table
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {
            f"{step} {when} {number}": pool.submit(
                Host(tmp_path / f"host-{index}", sandbox, f"uploads/{index}/").crash, step, when, number
            )
            for index, (step, when, number) in enumerate(POINTS)
        }
        failures = {point: error for point, run in runs.items() if (error := run.exception()) is not None}
    tell(f"{len(runs)} points in {time.monotonic() - begun:.0f} s")
    assert failures == {}, "\n".join(f"{point}: {str(error)[:900]}" for point, error in failures.items())
    assert sandbox.violations() == []
