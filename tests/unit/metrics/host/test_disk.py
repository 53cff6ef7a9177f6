"""Space and inodes of a mount."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.metrics.host.trees import write
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.host.disk import Disk
from vawsum_agent.metrics.sample.rounds import decode_readings, encode_readings


def mount_line(path: Path | str, source: str = "/dev/nvme0n1p1", fstype: str = "xfs", root: str = "/") -> str:
    """A mount of the file system that the tests' folders really are on."""
    device = Path(path).stat().st_dev
    return f"27 1 {os.major(device)}:{os.minor(device)} {root} {path} rw - {fstype} {source} rw\n"


def a_disk(tmp_path: Path, mountinfo: str, path: str) -> Disk:
    """A source over fixture trees."""
    write(tmp_path / "proc", {"self/mountinfo": mountinfo})
    return Disk(path, tmp_path / "proc", tmp_path / "sys")


def dimensions(disk: Disk) -> dict[str, str]:
    """Those of its readings, which are the same for all."""
    (found,) = {reading.dimensions for reading in disk.collect().gauges}
    return dict(found)


def test_values_are_what_df_shows(tmp_path: Path) -> None:
    """Free is without what is kept back for root, and the percentage is of what programs can have."""
    disk = a_disk(tmp_path, mount_line(tmp_path), str(tmp_path))
    values = {reading.name: reading.value for reading in disk.collect().gauges}
    usage = os.statvfs(tmp_path)
    assert values["disk_total"] == usage.f_blocks * usage.f_frsize
    assert values["disk_free"] == pytest.approx(usage.f_bavail * usage.f_frsize, rel=0.05)
    used = values["disk_used"]
    assert values["disk_used_percent"] == pytest.approx(100 * used / (used + values["disk_free"]))
    assert values["disk_inodes_total"] == values["disk_inodes_used"] + values["disk_inodes_free"]


def test_dimensions_are_those_of_the_cloudwatch_agent(tmp_path: Path) -> None:
    """Path as configured, file system, and the device without its folder."""
    disk = a_disk(tmp_path, mount_line(tmp_path), str(tmp_path))
    assert dimensions(disk) == {"path": str(tmp_path), "fstype": "xfs", "device": "nvme0n1p1"}


def test_names_of_any_bytes_can_be_stored(tmp_path: Path) -> None:
    """Whoever mounts a file system in user space names it; what is no UTF-8 keeps no round from being written down."""
    (tmp_path / "proc/self").mkdir(parents=True)
    line = mount_line(tmp_path, "x", "fuse.x").encode().replace(b"fuse.x x", b"fuse.\xff \xfe")
    (tmp_path / "proc/self/mountinfo").write_bytes(line)
    readings = Disk(str(tmp_path), tmp_path / "proc", tmp_path / "sys").collect().gauges
    assert decode_readings(encode_readings(readings)) == readings
    assert dict(readings[0].dimensions)["fstype"] == "fuse.?"


@pytest.mark.parametrize("source", ["/dev/root", "/dev/mapper/vg0-data"])
def test_a_stand_in_for_a_device_is_resolved(tmp_path: Path, source: str) -> None:
    """What is no device's own name is looked up by number in sysfs, as the CloudWatch agent does."""
    device = tmp_path.stat().st_dev
    blocks = tmp_path / "sys/dev/block"
    blocks.mkdir(parents=True)
    (blocks / f"{os.major(device)}:{os.minor(device)}").symlink_to("../../devices/pci0000:00/nvme/nvme0n1/nvme0n1p1")
    assert dimensions(a_disk(tmp_path, mount_line(tmp_path, source), str(tmp_path)))["device"] == "nvme0n1p1"


def test_a_stand_in_that_nothing_is_known_of_has_to_do(tmp_path: Path) -> None:
    """Without sysfs the disk is measured all the same."""
    assert dimensions(a_disk(tmp_path, mount_line(tmp_path, "/dev/root"), str(tmp_path)))["device"] == "root"


def test_a_device_is_named_in_ascii(tmp_path: Path) -> None:
    """CloudWatch refuses dimensions with other characters, and the whole request with them."""
    assert dimensions(a_disk(tmp_path, mount_line(tmp_path, "nas:/größe"), str(tmp_path)))["device"] == "nas:/gr??e"


def test_a_file_system_that_makes_inodes_as_needed_has_none_to_run_out_of(tmp_path: Path) -> None:
    """On btrfs all of them read 0, and an alarm on few free inodes would go off."""
    write(tmp_path / "proc", {"self/mountinfo": mount_line(tmp_path, fstype="btrfs")})
    usage = os.statvfs_result((4096, 4096, 100, 50, 40, 0, 0, 0, 0, 255))
    readings = Disk(str(tmp_path), tmp_path / "proc", tmp_path / "sys", lambda _: usage).collect().gauges
    values = {reading.name: reading.value for reading in readings}
    assert values == {
        "disk_total": 100 * 4096,
        "disk_used": 50 * 4096,
        "disk_free": 40 * 4096,
        "disk_used_percent": pytest.approx(100 * 50 / 90),
    }


def test_nothing_mounted_is_an_error_that_names_the_path(tmp_path: Path) -> None:
    """The size of the disk that the empty folder lies on would pass for the missing one's."""
    with pytest.raises(AgentError, match=rf"disk {tmp_path}: nothing is mounted"):
        a_disk(tmp_path, mount_line("/"), str(tmp_path)).collect()


def test_of_two_mounts_at_a_path_the_upper_one_counts(tmp_path: Path) -> None:
    """An automounter's place holder lies beneath the real one."""
    lines = mount_line(tmp_path, "systemd-1", "autofs") + mount_line(tmp_path, "/dev/sdb1", "ext4")
    assert dimensions(a_disk(tmp_path, lines, str(tmp_path)))["device"] == "sdb1"


COVERS = [("tmpfs", "/"), ("tmpfs", "/systemd/inaccessible/dir")]


@pytest.mark.parametrize(("fstype", "root"), COVERS)
def test_a_disk_that_the_sandbox_hides_is_not_measured_by_its_cover(tmp_path: Path, fstype: str, root: str) -> None:
    """An empty tmpfs over the database's disk would say that it never fills."""
    path = tmp_path / "mysql"
    path.mkdir()
    lines = f"27 1 250:9 / {path} rw - xfs /dev/nvme1n1 rw\n" + mount_line(path, "tmpfs", fstype, root)
    with pytest.raises(AgentError, match="hides it") as raised:
        a_disk(tmp_path, lines, str(path)).collect()
    assert "BindReadOnlyPaths" in raised.value.hint


@pytest.mark.parametrize(("fstype", "root"), COVERS)
def test_a_hidden_disk_is_measured_where_a_folder_of_it_shows(tmp_path: Path, fstype: str, root: str) -> None:
    """A drop-in can show an empty folder of the file system; its size is that of all of it."""
    path, shown = tmp_path / "mysql", tmp_path / "shown"
    path.mkdir()
    shown.mkdir()
    cover = f"28 1 0:77 {root} {path} rw - {fstype} tmpfs rw\n"
    lines = mount_line(path, "/dev/nvme1n1", "ext4") + cover + mount_line(shown, root="/lost+found")
    disk = a_disk(tmp_path, lines, str(path))
    assert dimensions(disk) == {"path": str(path), "fstype": "ext4", "device": "nvme1n1"}


def test_a_file_system_of_no_size_is_an_error(tmp_path: Path) -> None:
    """What is no disk is said to be none, rather than to be full."""
    with pytest.raises(AgentError, match="has no size"):
        a_disk(tmp_path, mount_line("/proc", "proc", "proc"), "/proc").collect()
