"""Kills a deploying process at one moment: Python imports this first, wherever the folder is on its path.

``DIES_AT`` is such as ``switch begun``: the note of the journal after which the process is killed. It happens once:
``DIED`` is a file that is there afterwards.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.deploy.machine import Phase, Step
    from vawsum_agent.deploy.record import Record

MOMENT, DIED = os.environ.get("DIES_AT", ""), os.environ.get("DIED", "")

if MOMENT and DIED and not Path(DIED).exists():
    from vawsum_agent.deploy.journal import Journal

    class DyingJournal(Journal):
        """Notes, and dies if this is the moment."""

        def note(self, record: Record, step: Step, phase: Phase, text: str = "") -> None:
            """See `Journal.note`."""
            super().note(record, step, phase, text)
            if f"{step} {phase}" == MOMENT and not Path(DIED).exists():
                Path(DIED).touch()
                os.kill(os.getpid(), signal.SIGKILL)

    import vawsum_agent.deploy.journal

    vawsum_agent.deploy.journal.Journal = DyingJournal  # type: ignore[misc]
