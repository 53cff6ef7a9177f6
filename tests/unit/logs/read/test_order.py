"""Generations of one log are read in the order of their age, unless an old one is stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.logs.follow.following import reader_of
from vawsum_agent.logs.read.order import Place, older_ones

if TYPE_CHECKING:
    from pathlib import Path


def test_the_younger_waits_while_the_older_gets_on(tmp_path: Path) -> None:
    """With something to read in the old file the new one waits: as long as there is progress, and then 15 s."""
    log, other = tmp_path / "access.log", tmp_path / "other.log"
    for path in (log, other):
        path.write_bytes(b"old line\n" * 200)
    reader = reader_of(tmp_path / "*.log")
    reader.follower.scan()
    log.rename(tmp_path / "access.log.1")
    log.write_bytes(b"new line\n")
    reader.follower.scan()
    old, new = (tail for tail in reader.follower.tails() if tail.path == str(log))
    older = older_ones(reader.follower.tails())
    assert older == {new.file_id: (old,)}
    place = Place()
    assert not place.waits(0.0)
    place.older = older[new.file_id]
    assert place.waits(0.0)
    assert place.waits(14.0)
    assert not place.waits(16.0)
    old.read(900)
    assert place.waits(17.0)
    old.read(900)
    assert not place.waits(17.0)
    reader.stop()
