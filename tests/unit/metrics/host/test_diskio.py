"""Reads and writes of disks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.host.trees import write
from vawsum_agent.metrics.host.diskio import DiskIo, parse_diskstats
from vawsum_agent.metrics.sample.increases import increases

if TYPE_CHECKING:
    from pathlib import Path

LINE = "259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17"
OTHERS = ("nvme0n1p1", "loop0", "ram0", "dm-0", "md0", "zram0", "sr0")


def a_tree(tmp_path: Path) -> DiskIo:
    """A host with a disk, its partition, and devices that are none or lie on others."""
    lines = [LINE, *(LINE.replace("nvme0n1", name) for name in OTHERS)]
    for name in ("nvme0n1", "sr0"):
        (tmp_path / "sys/block" / name / "device").mkdir(parents=True)
    for name in OTHERS[1:-1]:
        (tmp_path / "sys/block" / name).mkdir()
    return DiskIo(write(tmp_path / "proc", {"diskstats": "\n".join(lines) + "\n"}), tmp_path / "sys")


def test_values_are_read_from_where_the_kernel_writes_them(tmp_path: Path) -> None:
    """Sectors are 512 bytes, times are milliseconds."""
    collected = a_tree(tmp_path).collect()
    assert collected.counters == {
        "nvme0n1:reads": 1,
        "nvme0n1:writes": 5,
        "nvme0n1:read_bytes": 3 * 512,
        "nvme0n1:write_bytes": 7 * 512,
        "nvme0n1:read_time": 4,
        "nvme0n1:write_time": 8,
        "nvme0n1:io_time": 10,
    }
    assert collected.gauges == [("diskio_iops_in_progress", 9, (("name", "nvme0n1"),))]


def test_only_whole_disks_are_measured(tmp_path: Path) -> None:
    """The sum over the devices is the host's: no partition, no device that lies on another or on none."""
    assert {key.partition(":")[0] for key in a_tree(tmp_path).collect().counters} == {"nvme0n1"}


def test_increases_carry_the_disk_s_name(tmp_path: Path) -> None:
    """A disk that was not there before has none yet."""
    disk = a_tree(tmp_path)
    assert disk.derive({}, 10.0) == []
    assert disk.derive({"nvme0n1:read_bytes": 512.0}, 10.0) == [
        ("diskio_read_bytes", 512.0, (("name", "nvme0n1"),)),
    ]


def test_a_disk_may_go_and_come_again(tmp_path: Path) -> None:
    """A detached volume is no error."""
    disk = a_tree(tmp_path)
    write(tmp_path / "proc", {"diskstats": ""})
    assert not disk.collect().counters
    write(tmp_path / "proc", {"diskstats": LINE + "\n"})
    assert disk.collect().counters


def test_times_that_wrap_count_on(tmp_path: Path) -> None:
    """The kernel's milliseconds begin anew after 2**32: 300 ms later, 300 ms have been added."""
    before, now = {"nvme0n1:io_time": 2.0**32 - 100}, {"nvme0n1:io_time": 200.0}
    assert increases(before, now, a_tree(tmp_path).wraps_at) == {"nvme0n1:io_time": 300.0}


def test_a_number_that_no_kernel_writes_is_skipped() -> None:
    """Converted, it would overflow."""
    assert not list(parse_diskstats(LINE.replace(" 7 ", f" {10**400} ").encode()))


@given(st.lists(st.one_of(st.sampled_from([LINE.encode(), b" 1", b"-1", b"\n", b"9" * 30]), st.binary())).map(b"".join))
def test_no_bytes_raise(data: bytes) -> None:
    """Lines that are none of diskstats are skipped; what is read is never negative."""
    for device in parse_diskstats(data):
        assert all(0 <= total < 2**76 for total in device.totals.values())
