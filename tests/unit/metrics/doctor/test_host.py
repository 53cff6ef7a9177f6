"""Disks and process groups of the configuration, against those of the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.config.model import MetricsConfig, ProcessGroup
from vawsum_agent.core.finding import Severity
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
    """A folder that is no mount point is a warning that names the one it lies on; one that is missing is a problem."""
    (tmp_path / "data").mkdir()
    found = list(disks(MetricsConfig(disks=["/", "/proc", str(tmp_path / "data"), str(tmp_path / "gone")])))
    assert [finding.severity for finding in found] == [Severity.OK, Severity.OK, Severity.WARNING, Severity.PROBLEM]
    assert "no mount point" in found[2].what
    assert "metrics.disks" in found[2].remedy
    assert found[3].what == "does not exist: nothing is measured"


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
