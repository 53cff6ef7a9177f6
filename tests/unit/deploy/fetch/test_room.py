"""Whether there is room, with something to spare for what is served."""

from __future__ import annotations

from pathlib import Path

import pytest

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.room import Free, Room, look, shortage

_MIB, _GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("free", "size_bytes", "inodes", "expected"),
    [
        (Free(100 * _MIB, 1000 * _MIB, None, 0), 50 * _MIB, 1, ""),
        (
            Free(100 * _MIB, 1000 * _MIB, None, 0),
            51 * _MIB,
            1,
            "needs 51.0 MiB of disk and 50.0 MiB to spare, has 100.0 MiB free",
        ),
        (Free(2 * _GIB, 1000 * _GIB, None, 0), _GIB, 1, ""),
        (
            Free(2 * _GIB, 1000 * _GIB, None, 0),
            _GIB + 1,
            1,
            "needs 1.0 GiB of disk and 1.0 GiB to spare, has 2.0 GiB free",
        ),
        (Free(_GIB, _GIB, 100, 1000), 0, 50, ""),
        (Free(_GIB, _GIB, 100, 1000), 0, 51, "needs 51 inodes and 50 to spare, has 100 free"),
        (Free(_GIB, _GIB, 20_000, 10**9), 0, 10_001, "needs 10,001 inodes and 10,000 to spare, has 20,000 free"),
    ],
)
def test_shortage(free: Free, size_bytes: int, inodes: int, expected: str) -> None:
    """A twentieth stays free, and on large disks no more than makes sense."""
    assert shortage(free, size_bytes, inodes) == expected


def test_measured(tmp_path: Path) -> None:
    """A real disk has something."""
    free = look(tmp_path)
    assert 0 < free.disk_bytes <= free.total_bytes


def use_up(room: Room) -> None:
    """Make small files until there is no room."""
    for _ in range(2000):
        room.take(10)


def test_many_small_files() -> None:
    """The disk is looked at again while room is used up, not at each file."""
    looked = 0

    def shrinking(_: Path) -> Free:
        nonlocal looked
        looked += 1
        return Free(100 * _GIB, 100 * _GIB, 1000 - 256 * looked, 1000)

    room = Room(Path("/web/releases"), "r1", shrinking)
    with pytest.raises(DeployError, match="r1 needs 1 inodes and 50 to spare, has -24 free in /web/releases"):
        use_up(room)
    assert looked == 4
