"""``[backup]``: what would never run, or run under a name that is no key, refuses to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import violations_of
from vawsum_agent.config.load import load

if TYPE_CHECKING:
    from pathlib import Path


def test_defaults(tmp_path: Path) -> None:
    """A bucket is all it needs; a drill is scheduled where its table stands."""
    (tmp_path / "agent.toml").write_text('[backup]\nbucket = "vawsum-backups"\n[backup.drill]\n')
    backup = load(tmp_path / "agent.toml").config.backup
    assert backup is not None
    assert (backup.prefix, backup.schedule, backup.databases) == ("mysql/", "0 0 * * *", [])
    assert (backup.retention_days, backup.keep_at_least) == (15, 3)
    assert backup.drill is not None
    assert backup.drill.schedule == "0 4 * * sun"


@pytest.mark.parametrize("schedule", ["0 0 * * 7", "0 0 * * sun", "*/5 0-6 1,15 * *", "30 2 29 2 *"])
def test_schedules(tmp_path: Path, schedule: str) -> None:
    """All that crontab(5) writes in five fields."""
    (tmp_path / "agent.toml").write_text(f'[backup]\nbucket = "vawsum-backups"\nschedule = "{schedule}"\n')
    assert load(tmp_path / "agent.toml").config.backup is not None


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('schedule = "0 0 * *"', "schedule"),
        ('schedule = "0 0 * * * *"', "schedule"),
        ('schedule = "@daily"', "schedule"),
        ('schedule = "60 0 * * *"', "schedule"),
        ('schedule = "0 0 30 2 *"', "schedule"),
        ('timezone = "Asia/Calcutta2"', "timezone"),
        ('server = "{path}"', "server"),
        ('server = "a/b"', "server"),
        ('server = ".."', "server"),
        ('prefix = "/mysql/"', "prefix"),
        ("retention_days = 0", "retention_days"),
        ("keep_at_least = 0", "keep_at_least"),
        ('defaults_file = "mysql.cnf"', "defaults_file"),
        ('databases = ["a", "a"]', "databases"),
        ('drill = {directory = "drill"}', "drill.directory"),
    ],
)
def test_refused(tmp_path: Path, line: str, key: str) -> None:
    """One violation, with its key."""
    (violation,) = violations_of(tmp_path, f'[backup]\nbucket = "vawsum-backups"\n{line}\n')
    assert violation.key == f"backup.{key}"
