"""Which runs are due: a backup that was found damaged is none, whoever made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.backup.jobs import backup
from vawsum_agent.backup.agenda import Agenda, Task
from vawsum_agent.backup.journal import Outcome
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish.catalog import Damage
from vawsum_agent.backup.since import Schedules
from vawsum_agent.config.model.backup import BackupConfig

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400.0
SLOT = 1_780_012_800.0
"""A midnight in UTC."""

NOW = SLOT + 3600.0
TONIGHTS = BackupName("production-db", "20260529T000005Z")
DAMAGE = Damage(TONIGHTS, ("frame 3 is damaged",))


@pytest.fixture
def agenda(tmp_path: Path) -> Agenda:
    """One whose data have a backup of the night before."""
    made = Agenda(BackupConfig(bucket="b", timezone="UTC"), Schedules(tmp_path))
    made.note(backup(SLOT - DAY_S), NOW, is_answered=True)
    return made


def done(*, is_skipped: bool) -> list[Outcome]:
    """Tonight's, made here or by another host."""
    outcome = Outcome(
        kind="backup",
        started_at=SLOT,
        ended_at=SLOT + 60.0,
        is_ok=True,
        slot=SLOT,
        backup_id=TONIGHTS.backup_id,
        is_skipped=is_skipped,
    )
    return [outcome]


@pytest.mark.parametrize("is_skipped", [True, False])
def test_a_damaged_one_is_none(agenda: Agenda, *, is_skipped: bool) -> None:
    """What did tonight's is found damaged: it is due again, at once and once."""
    before = backup(SLOT - DAY_S)
    assert agenda.tasks(done(is_skipped=is_skipped), before, (), NOW, 0.0) == []
    assert agenda.tasks(done(is_skipped=is_skipped), before, (DAMAGE,), NOW, 0.0) == [Task("backup", SLOT, 0.0)]
    assert agenda.tasks(done(is_skipped=is_skipped), backup(NOW), (), NOW, 0.0) == []


def test_what_is_damaged_again_waits(agenda: Agenda) -> None:
    """A run whose backup is damaged, too, has failed: the next try comes later, and ever later."""
    for wait_s in (600.0, 1800.0, 3600.0):
        agenda.failed("backup", SLOT, 0.0)
        (task,) = agenda.tasks(done(is_skipped=False), backup(SLOT - DAY_S), (DAMAGE,), NOW, 0.0)
        assert task.wait_s == wait_s
