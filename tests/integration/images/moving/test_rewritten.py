"""A script rewrites pictures while they are looked at, uploaded and removed."""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.images.moving.running import BUCKET, PREFIX, own, picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

FILES = 40
FOR_S = count(14, 900)
RESTS_S = (0.0, 0.3, 1.0, 1.1, 1.3, 2.5)
"""Around `min_age`: a file is due just when it is written to again."""


def in_place(path: Path, content: bytes) -> None:
    """Truncate and write, in two steps."""
    with path.open("wb", buffering=0) as file:
        file.write(content[:900])
        time.sleep(0.002)
        file.write(content[900:])


def by_rename(path: Path, content: bytes) -> None:
    """Write another file and put it in its place."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(content)
    own(temporary)
    temporary.replace(path)


def with_old_time(path: Path, content: bytes) -> None:
    """Write over it without truncating, and set the time back: `touch -r`."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:  # noqa: PTH123 - without truncating
        before = os.fstat(file.fileno())
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def copied_with_time(path: Path, content: bytes) -> None:
    """As `cp -p` does: another file, with a time of long ago."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(content)
    os.utime(temporary, (1e9, 1e9))
    own(temporary)
    shutil.move(temporary, path)


WAYS = [in_place, by_rename, with_old_time, copied_with_time]


class Script(threading.Thread):
    """Writes some of the files again and again; what it wrote last is what counts."""

    def __init__(self, uploads: Uploads, numbers: range, seed: int) -> None:
        super().__init__(daemon=True)
        self._uploads = uploads
        self._numbers = list(numbers)
        self._dice = random.Random(seed)
        self.is_over = threading.Event()
        self.rewrites = 0

    def run(self) -> None:
        """Write until it is over."""
        while not self.is_over.is_set():
            number = self._dice.choice(self._numbers)
            name = f"{number % 3}/{number}.jpg"
            content = picture(f"{number} {self.rewrites} {self._dice.random()}")
            path = self._uploads.path / name
            self._dice.choice(WAYS)(path, content)
            own(path)
            self._uploads.written[name] = content
            self.rewrites += 1
            time.sleep(self._dice.choice(RESTS_S) / len(self._numbers))


@pytest.mark.timeout(FOR_S + 120)
def test_newest_bytes_survive(
    agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, tell: Callable[[str], None]
) -> None:
    """A PHP script rewrites the file between check, upload and removal: the newest bytes survive."""
    sandbox.fault("latency", operation="s3:PutObject", latency_s=0.05, rate=0.5)
    for number in range(FILES):
        uploads.put(f"{number % 3}/{number}.jpg")
    agent.start_and_wait()
    scripts = [Script(uploads, range(first, FILES, 4), first) for first in range(4)]
    for script in scripts:
        script.start()
    time.sleep(FOR_S)
    for script in scripts:
        script.is_over.set()
        script.join()
    agent.wait_moved(uploads)
    uploads.assert_nowhere_but()
    for name, content in uploads.written.items():
        assert sandbox.object_bytes(BUCKET, PREFIX + name) == content
    versions = len(sandbox.versions(BUCKET))
    assert agent.folder()["rewritten_count"] > 0
    tell(f"{sum(script.rewrites for script in scripts)} rewrites of {FILES} files, {versions} versions in the bucket")
    assert sandbox.violations() == []
