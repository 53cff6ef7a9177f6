"""Whether there is room for a drill: told before anything is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.backup.drill.room import (
    LEAST_MEMORY_BYTES,
    Room,
    disk_needed_bytes,
    look,
    pool_bytes,
    refusal,
)

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
MIB = 1 << 20


def test_disk_that_is_needed() -> None:
    """Two and a half times the SQL, and a gibibyte."""
    assert disk_needed_bytes(0) == GIB
    assert disk_needed_bytes(16 * GIB) == 41 * GIB


def test_too_little_disk() -> None:
    """Says how much is needed, where, how much there is, and how to get round it."""
    error = refusal(Room("/var/lib/vawsum-agent/drill", 20 * GIB, 8 * GIB), 16 * GIB, "20260131T000000Z")
    assert error is not None
    assert error.message == (
        "a drill of 20260131T000000Z needs 41.0 GiB of disk below /var/lib/vawsum-agent/drill, and 20.0 GiB are free"
    )
    assert "backup.drill.directory" in error.hint


def test_too_little_memory() -> None:
    """Says so before the kernel has to choose whom to kill."""
    error = refusal(Room("/d", 100 * GIB, 100 * MIB), GIB, "20260131T000000Z")
    assert error is not None
    assert error.message == "a scratch server needs 160.0 MiB of memory, and 100.0 MiB can be had"


def test_room_enough() -> None:
    """Exactly what is needed is enough."""
    assert refusal(Room("/d", disk_needed_bytes(5), LEAST_MEMORY_BYTES), 5, "20260131T000000Z") is None


@pytest.mark.parametrize(
    ("available", "pool"),
    [(LEAST_MEMORY_BYTES, 32 * MIB), (GIB, 224 * MIB), (8 * GIB, 2016 * MIB), (512 * GIB, 2 * GIB), (0, 32 * MIB)],
)
def test_share_of_memory(available: int, pool: int) -> None:
    """A quarter of what nobody uses, between bounds, in whole mebibytes."""
    assert pool_bytes(available) == pool


def test_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    """Its disk is that of the nearest folder above it."""
    assert look(tmp_path / "a" / "b").disk_bytes > 0


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({"a": "max", "a/b": "max"}, 2048 * MIB),
        ({"a": "max", "a/b": str(320 * MIB)}, 270 * MIB),
        ({"a": str(150 * MIB), "a/b": "max"}, 100 * MIB),
        ({"a": str(10 * MIB), "a/b": "max"}, 0),
    ],
)
def test_limits_of_control_groups(tmp_path: Path, limits: dict[str, str], left: int) -> None:
    """What systemd allows the service counts, at whatever height; page cache that nobody uses is to be had."""
    proc, groups = tmp_path / "proc", tmp_path / "groups"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 4194304 kB\nMemAvailable: 2097152 kB\n")
    (proc / "self" / "cgroup").write_text("0::/a/b\n")
    for name, limit in limits.items():
        (groups / name).mkdir(parents=True, exist_ok=True)
        (groups / name / "memory.max").write_text(f"{limit}\n")
        (groups / name / "memory.current").write_text(f"{80 * MIB}\n")
        (groups / name / "memory.stat").write_text(f"anon 1\ninactive_file {30 * MIB}\n")
    assert look(tmp_path, proc, groups).memory_bytes == left


def test_host_without_control_groups(tmp_path: Path) -> None:
    """Only the host's own memory counts."""
    (tmp_path / "meminfo").write_text("MemAvailable: 1024 kB\n")
    assert look(tmp_path, tmp_path, tmp_path).memory_bytes == MIB
