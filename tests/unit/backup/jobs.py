"""A job to put in the place of `backup run`: does to the journal what the test wrote into its script, and ends."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from vawsum_agent.backup.child import Job
from vawsum_agent.backup.component import BackupComponent
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.newest import Newest, Seen
from vawsum_agent.config.model.backup import BackupConfig, BackupDrill
from vawsum_agent.core.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.backup.child import JobKind
    from vawsum_agent.backup.publish.catalog import Damage
    from vawsum_agent.core.errors import AgentError

LIMIT_S = 60.0
EVERY_MINUTE = "* * * * *"
NEVER_NOW = "0 0 29 2 *"
BACKUP_ID = "20260101T000000Z"

_HEAD = """
import sys, time
from pathlib import Path
from vawsum_agent.backup.journal import Journal, Outcome, Running
journal, kind, slot, began = Journal(Path(sys.argv[1])), sys.argv[2], float(sys.argv[3]), time.time()
def run(phase="dumping"):
    journal.write_running(Running(kind=kind, pid=0, started_at=began, slot=slot, phase=phase, backup_id="ID"))
def end(**told):
    journal.write_outcome(Outcome(kind=kind, started_at=began, ended_at=time.time(), slot=slot, **told))
""".replace("ID", BACKUP_ID)

SUCCEEDS = "with journal.locked(): run(); end(is_ok=True, backup_id='ID', size_bytes=5, restore_s=7.5)".replace(
    "ID", BACKUP_ID
)
FAILS = "with journal.locked(): run(); end(is_ok=False, error='Access denied for user vawsum', hint='mend it')"
HANGS = "with journal.locked():\n run()\n time.sleep(600)"
WAITS = """with journal.locked():
 run()
 while not Path(sys.argv[1], 'go-on').exists(): time.sleep(0.05)
 end(is_ok=True, backup_id='ID', size_bytes=5)""".replace("ID", BACKUP_ID)
IS_BUSY = "sys.exit(75)"
DIES_EARLY = "sys.exit('error: no module named this')"
KILLS_ITSELF = "import os\nwith journal.locked():\n run()\n os.kill(os.getpid(), 9)"
IS_SKIPPED = "with journal.locked(): run(); end(is_ok=True, is_skipped=True)"


class Script:
    """What jobs do from now on, and which were started."""

    def __init__(self, state_dir: Path, text: str) -> None:
        self.text = text
        self.started: list[tuple[JobKind, float]] = []
        self._state_dir = state_dir

    def __call__(self, kind: JobKind, slot: float) -> Job:
        """Start one."""
        self.started.append((kind, slot))
        arguments = [str(self._state_dir), kind, repr(slot)]
        return Job([sys.executable, "-c", f"{_HEAD}\n{self.text}", *arguments])


class Bucket:
    """The backups in S3, as the test has them."""

    def __init__(self, newest: Newest | None = None) -> None:
        self.there = newest
        self.damaged: tuple[Damage, ...] = ()
        self.error: AgentError | None = None
        self.sweep_error: AgentError | None = None
        self.aborted: list[str] = []
        self.sweeps = 0
        self.asked = 0
        self.refused = 0

    def look(self) -> Seen:
        """See `BackupsInS3.look`."""
        self.asked += 1
        self._refuse()
        return Seen(self.there, self.damaged)

    def abort_uploads_of(self, backup_id: str) -> int:
        """See `BackupsInS3.abort_uploads_of`."""
        self.aborted.append(backup_id)
        return 1

    def abort_orphans(self) -> int:
        """See `BackupsInS3.abort_orphans`."""
        self._refuse()
        if self.sweep_error is not None:
            raise self.sweep_error
        self.sweeps += 1
        return 0

    def _refuse(self) -> None:
        if self.error is not None:
            self.refused += 1
            raise self.error


class ShiftedClock(SystemClock):
    """The machine's clocks, moved on by hand."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        """See `Clock.now`."""
        return super().now() + self.ahead_s

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return super().monotonic() + self.ahead_s


def backup(began_at: float, **told: object) -> Newest:
    """A backup in S3 that took a minute."""
    rest: dict[str, object] = {"backup_id": BACKUP_ID, "server": "production-db", "duration_s": 60.0} | {
        "size_bytes": 1 << 20,
        "raw_bytes": 4 << 20,
        "is_verified": True,
    }
    return Newest(began_at=began_at, finished_at=began_at + 60.0, **(rest | told))  # type: ignore[arg-type]


class Host:
    """A component on a folder, with all that it is given."""

    def __init__(self, folder: Path, script: str = SUCCEEDS, schedule: str = EVERY_MINUTE, drill: str = "") -> None:
        self.clock = ShiftedClock()
        self.journal = Journal(folder)
        self.script = Script(folder, script)
        self.bucket = Bucket()
        self.config = BackupConfig(
            bucket="vawsum-backups", schedule=schedule, drill=BackupDrill(schedule=drill) if drill else None
        )
        self.component = self.build()

    def build(self) -> BackupComponent:
        """Make another component on the same folder, as the next daemon would."""
        self.component = BackupComponent(
            self.config, "production-db", self.journal, self.bucket, self.script, self.clock
        )
        return self.component

    def problems(self) -> list[str]:
        """What is wrong."""
        return [problem.what for problem in self.component.status().all_problems()]

    def detail(self, name: str) -> object:
        """One of the details of its status."""
        return self.component.status().details[name]


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for something that comes soon on a machine that is not busy."""
    ends_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends_at, f"not within {LIMIT_S:.0f} s: {what}"
        time.sleep(0.02)
