"""How old the newest backup may be, and what is said of it."""

from __future__ import annotations

import pytest

from tests.unit.backup.manifests import NAME, manifest
from vawsum_agent.backup.doctor.age import of_damage, of_newest
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish.catalog import Damage, Published
from vawsum_agent.backup.publish.sidecars import Drilled, Verified
from vawsum_agent.config.model import BackupConfig
from vawsum_agent.core.finding import Severity

BACKUP = BackupConfig(bucket="b")
HOUR_S = 3600.0
VERIFIED = Verified(verified_at="2026", by="i", sha256="00", frames=1, raw_bytes=1)


def drilled(*problems: str) -> Drilled:
    """How a drill ended."""
    return Drilled(drilled_at="2026", by="i", restore_s=62.0, tables=1, rows=1, problems=list(problems))


@pytest.mark.parametrize(("age_h", "severity"), [(1, Severity.OK), (25, Severity.OK), (27, Severity.PROBLEM)])
def test_age(age_h: float, severity: Severity) -> None:
    """Once a day and two hours late is still well."""
    newest = Published(NAME, manifest(), None, None, 0.0)
    found = of_newest(newest, BACKUP, "production-db", NAME.began_at + age_h * HOUR_S)
    assert found.severity is severity
    assert found.what.startswith(f"the newest, {NAME.backup_id}, is ")
    assert bool(found.remedy) == (severity is Severity.PROBLEM)


@pytest.mark.parametrize(
    ("verified", "drill", "said"),
    [
        (None, None, "not read back yet"),
        (VERIFIED, None, "read back"),
        (VERIFIED, drilled(), "read back, and restored in 1m 2s"),
        (VERIFIED, drilled("a table is missing"), "read back, and it failed a drill"),
    ],
)
def test_what_is_known(verified: Verified | None, drill: Drilled | None, said: str) -> None:
    """Whether it was read back, and whether it restored."""
    newest = Published(NAME, manifest(), verified, drill, 0.0)
    assert of_newest(newest, BACKUP, "production-db", NAME.began_at + HOUR_S).what.endswith(f"; {said}")


def test_after_a_weekend() -> None:
    """Friday's will do on Monday until Monday's may be there: on none of these mornings is anything wrong."""
    backup = BackupConfig(bucket="b", schedule="0 0 * * mon-fri", timezone="UTC")
    friday = BackupName("production-db", "20260130T000000Z")
    newest = Published(friday, manifest(friday), None, None, 0.0)
    for hours, severity in ((71, Severity.OK), (73, Severity.OK), (75, Severity.PROBLEM)):
        assert of_newest(newest, backup, "production-db", friday.began_at + hours * HOUR_S).severity is severity


def test_damaged() -> None:
    """It is told, beside the newest that is none."""
    found = of_damage(Damage(NAME, ("frame 3 is damaged",)), "production-db")
    assert found.severity is Severity.PROBLEM
    assert found.what == f"{NAME.backup_id} is damaged, and counts as none: frame 3 is damaged"


def test_none_yet() -> None:
    """A warning: it may be the first day."""
    found = of_newest(None, BACKUP, "production-db", 0.0)
    assert (found.severity, found.where) == (Severity.WARNING, "backups of production-db")
