"""Disks and process groups of the configuration, against those of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.config.model import Config, MetricsConfig, ProcessGroup
from vawsum_agent.core.finding import Severity
from vawsum_agent.metrics.doctor import access, checks
from vawsum_agent.metrics.doctor.host import disks, process_groups

if TYPE_CHECKING:
    from pathlib import Path


def proc_with(folder: Path, *commands: str) -> Path:
    """A folder like /proc, with processes of these names and one that ends meanwhile."""
    for pid, command in enumerate(commands, start=100):
        (folder / str(pid)).mkdir()
        (folder / str(pid) / "comm").write_text(command + "\n")
    (folder / "99").mkdir()
    (folder / "self").mkdir()
    return folder


def test_disks_are_mount_points(tmp_path: Path) -> None:
    """A disk that is not mounted is a warning with the mount it would be on; nothing of it is measured."""
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("/proc")
    names = ["/", "/proc/", str(tmp_path / "data"), str(tmp_path / "gone"), str(tmp_path / "link")]
    found = list(disks(MetricsConfig(disks=names)))
    assert [finding.severity for finding in found] == [Severity.OK] * 2 + [Severity.WARNING] * 3
    assert [finding.where for finding in found] == ["/", "/proc", *names[2:]]
    assert "it is no mount point; is it mounted? the nearest mount is /" in found[2].what
    assert "it does not exist; is it mounted? the nearest mount is /" in found[3].what
    assert found[4].remedy == "name /proc in metrics.disks"


def test_disks_are_looked_at_online(tmp_path: Path) -> None:
    """``check-config --online`` looks at disks as doctor does."""
    config = Config(metrics=MetricsConfig(disks=[str(tmp_path)]))
    assert [finding.where for finding in access(config)] == [str(tmp_path)]
    assert [finding.where for finding in checks(config)].count(str(tmp_path)) == 1


@pytest.mark.parametrize(
    ("disk", "also", "remedy"),
    [
        ("/data/shop", "/", "mount it, or name /data in metrics.disks"),
        ("/data/shop", "/data", "mount it, or take it out of metrics.disks"),
        ("/database", "/", "mount it, or take it out of metrics.disks"),
    ],
)
def test_nearest_mount(tmp_path: Path, disk: str, also: str, remedy: str) -> None:
    """The nearest mount is proposed unless it is measured already."""
    (tmp_path / "self").mkdir()
    lines = [f"1 0 8:{number} / {path} rw - ext4 /dev/sda{number} rw\n" for number, path in enumerate(["/", "/data"])]
    (tmp_path / "self" / "mountinfo").write_text("".join(lines))
    found = list(disks(MetricsConfig(disks=[also, disk]), tmp_path))
    assert [finding.remedy for finding in found] == ["", remedy]


def test_process_groups_match_something(tmp_path: Path) -> None:
    """A group of one's own that matches nothing is a warning; the default ones need not run on every host."""
    proc = proc_with(tmp_path, "apache2", "apache2", "php-fpm8.2", "worker (busy)")
    own = [ProcessGroup(name="queue", commands=["worker*"]), ProcessGroup(name="cron", commands=["crond", "cron"])]
    found = list(process_groups(MetricsConfig(process=[*MetricsConfig().process, *own]), proc))
    assert [(finding.where, finding.severity, finding.what) for finding in found] == [
        ("process group apache", Severity.OK, "2 processes"),
        ("process group php-fpm", Severity.OK, "1 process"),
        ("process group mysql", Severity.OK, "does not run here"),
        ("process group queue", Severity.OK, "1 process"),
        ("process group cron", Severity.WARNING, "no process is named crond or cron"),
    ]
    assert "ps -eo comm" in found[-1].remedy


def test_names_that_the_kernel_cuts(tmp_path: Path) -> None:
    """A name that is longer than the kernel keeps can't match, and the remedy is the name as it is kept."""
    config = MetricsConfig(process=[ProcessGroup(name="queue", commands=["queue-worker-daemon"])])
    (found,) = process_groups(config, proc_with(tmp_path, "queue-worker-da"))
    assert "queue-worker-da" in found.remedy.split()
