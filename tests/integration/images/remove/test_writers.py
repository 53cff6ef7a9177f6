"""Real writers that go on while files are removed: the newest bytes survive, here or where they were copied to."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.images.remove.forked import forked, joined
from tests.unit.images.remove.taking import Uploads
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.remove import DirectRemover, Outcome, Removal
from vawsum_agent.images.remove.deed import Taken, settle, take

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZE = 64
FILES = 24
MIN_AGE_NS = 30_000_000
"""Older than any file system's idea of a moment: what `min_age` is to the agent."""


def anew(path: Path, content: bytes) -> None:
    """Truncate and write."""
    path.write_bytes(content)


def in_place(path: Path, content: bytes) -> None:
    """Write over it; the mtime is set back (`touch -r`)."""
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b") as file:  # noqa: PTH123 - without truncating
        before = os.fstat(file.fileno())
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def slowly(path: Path, content: bytes) -> None:
    """Hold it open for a while before and between writes."""
    with path.open("wb", buffering=0) as file:
        for start in range(0, SIZE, SIZE // 4):
            time.sleep(0.001)
            file.write(content[start : start + SIZE // 4])


def by_rename(path: Path, content: bytes) -> None:
    """Write another file and put it in its place."""
    other = path.with_name(f"{path.name}.tmp")
    other.write_bytes(content)
    other.replace(path)


def removed_first(path: Path, content: bytes) -> None:
    """Unlink it and make another."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


WAYS = [anew, in_place, slowly, by_rename, removed_first]


def contents(seed: int) -> list[bytes]:
    """What is written in one round, by file; no two alike."""
    return [random.Random(f"{seed}-{number}").randbytes(SIZE) for number in range(FILES)]


def write_each_once(uploads: Uploads, seed: int) -> None:
    """Write each file once, in some order and some way, with pauses; what is written is that file's newest."""
    dice = random.Random(seed)
    newest = contents(seed)
    for number in dice.sample(range(FILES), FILES):
        time.sleep(dice.random() * 0.004)
        for _ in range(20):
            try:
                dice.choice(WAYS)(uploads.root / f"{number}.jpg", newest[number])
            except FileNotFoundError:  # it went between two steps of the writer; PHP would try again, too
                continue
            break
        else:
            raise AssertionError


class Mover:
    """Copies what is old enough and then removes it, as the agent does."""

    def __init__(self, uploads: Uploads) -> None:
        self.uploads = uploads
        self.copies: dict[bytes, bytes] = {}
        self.outcomes: list[Outcome] = []
        self._dice = random.Random(1)

    def move(self) -> None:
        """Look at each file once; every other time with pauses in which a writer can do what it likes."""
        removals = [removal for number in range(FILES) if (removal := self._copied(b"%d.jpg" % number)) is not None]
        if self._dice.random() < 0.5:
            self.outcomes += DirectRemover().remove(self.uploads.folder, removals)
            return
        self._pause()  # an upload takes its time
        with self.uploads.opened() as quarantine:
            taken = [take(quarantine, removal) for removal in removals]
            self._pause()  # the processor does something else
            for one in taken:
                self.outcomes.append(settle(quarantine, one) if isinstance(one, Taken) else one)
                if isinstance(one, Taken):
                    one.close()

    def _pause(self) -> None:
        time.sleep(self._dice.random() * 0.02)

    def _copied(self, path: bytes) -> Removal | None:
        """Copy a file through one descriptor; None when it is too young, or changed while it was read."""
        try:
            with (self.uploads.root / os.fsdecode(path)).open("rb") as file:
                before = os.fstat(file.fileno())
                if time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) < MIN_AGE_NS:
                    return None
                content = file.read()
                if Fingerprint.of(os.fstat(file.fileno())) != Fingerprint.of(before):
                    return None
        except FileNotFoundError:
            return None
        self.copies[path] = content
        return Removal(path, Fingerprint.of(before))


@pytest.mark.timeout(count(120, 3600))
def test_newest_bytes_survive(tmp_path: Path, tell: Callable[[str], None]) -> None:
    """When files are rewritten, in place, anew, by a rename, with their time set back, while they are being removed,
    then each one's newest bytes are at its place, or were copied before it went.
    """  # noqa: D205 - one sentence
    uploads = Uploads(tmp_path / "uploads")
    mover = Mover(uploads)
    rounds = count(60, 2000)
    for number, content in enumerate(contents(-1)):
        uploads.add(f"{number}.jpg", content)
    for seed in range(rounds):
        writer = forked(write_each_once, uploads, seed)
        while writer.is_alive():
            mover.move()
        assert joined(writer) == 0
        files = uploads.files()
        for number, newest in enumerate(contents(seed)):
            here = files.get(f"{number}.jpg")
            there = mover.copies.get(b"%d.jpg" % number)
            assert newest == (here if here is not None else there), f"round {seed}, file {number}, here: {here!r}"
        assert uploads.quarantined() == []
    counts = {str(outcome): mover.outcomes.count(outcome) for outcome in Outcome}
    tell(f"{rounds * FILES} rewrites; {counts}")
    assert counts["removed"]
    assert counts["changed"]
