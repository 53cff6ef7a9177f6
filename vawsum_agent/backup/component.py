"""The backup capability as a component: one thread that looks, starts jobs when they are due, and follows them.

The work is done by jobs, which are processes of their own (`child`) and keep a journal (`journal`): nothing of a dump
is in the daemon's memory, and what the daemon knows after a restart is what stands in the journal and in S3.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.backup.agenda import Agenda
from vawsum_agent.backup.details import Shown, details, restored
from vawsum_agent.backup.health import Look, problems
from vawsum_agent.backup.newest import Inquiry, known
from vawsum_agent.backup.runs import Runs
from vawsum_agent.backup.since import Schedules
from vawsum_agent.core.component import ComponentStatus, Problem, State
from vawsum_agent.core.errors import DrainTimeout
from vawsum_agent.core.pulse import Pulse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.agenda import Task
    from vawsum_agent.backup.journal import Journal, Outcome, Running
    from vawsum_agent.backup.newest import BackupsInS3, Newest
    from vawsum_agent.backup.runs import StartJob
    from vawsum_agent.config.model import BackupConfig
    from vawsum_agent.core.clock import Clock, Deadline

_log = structlog.get_logger()

TURN_S = 2.0
_ASKING_S = 600.0
"""The longest that S3 may take to answer all that is asked in a turn. No job runs meanwhile that could be harmed."""

_STOP_S = 15.0
_HURRIED_S = 0.1
"""Between two looks at a job that is to end."""

_ENDING_S = 10.0
"""Of a drain's time, what is left for a job that is told to end, and for the components that are drained after us."""

_LOOK_S = 0.5
"""Between two looks at a deadline that may be cut short meanwhile."""


class BackupComponent:
    """Backs up by the schedule, holds drills, and watches how old the newest backup is.

    Args:
        config: the table ``[backup]``.
        server: the name of the data.
        journal: of the jobs on this host.
        backups: in S3.
        start_job: starts one, for a slot.
        clock: wall and monotonic time.
    """

    name = "backup"

    def __init__(
        self,
        config: BackupConfig,
        server: str,
        journal: Journal,
        backups: BackupsInS3,
        start_job: StartJob,
        clock: Clock,
    ) -> None:
        self._config = config
        self._server = server
        self._clock = clock
        self._since = clock.now()
        self._state = State.STARTING
        self._agenda = Agenda(config, Schedules(journal.folder))
        self._inquiry = Inquiry(backups, clock, random.Random().random)  # noqa: S311 - jitter
        self._runs = Runs(journal, self._agenda, self._inquiry, start_job, clock)
        self._pulse = Pulse(clock)
        self._wake = threading.Event()
        self._is_stopped = False
        self._failure: Exception | None = None
        self._tasks: list[Task] = []
        self._shown = Shown(self._look([], None))
        self._thread = threading.Thread(target=self._run, name="backup", daemon=True)

    # -- Component

    def start(self) -> None:
        """See `Component.start`."""
        self._thread.start()
        self._set_state(State.RUNNING)

    def drain(self, deadline: Deadline) -> None:
        """See `Component.drain`. Waits for the job that runs, and ends it shortly before the deadline.

        One that was ended runs again after the next start.
        """
        self._set_state(State.DRAINING)
        self._runs.start_no_more()
        while (left_s := deadline.remaining_s() - _ENDING_S) > 0.0:
            if self._runs.idle.wait(min(left_s, _LOOK_S)):
                break
        ended = self._runs.finish()
        self._wake.set()
        is_over = self._runs.idle.wait(deadline.remaining_s())
        if ended is not None:
            what = f"the {ended} that ran was ended" if is_over else f"the {ended} that runs has not ended"
            raise DrainTimeout(f"{what} before it was done", hint="it runs again after the next start")

    def stop(self) -> None:
        """See `Component.stop`."""
        self._runs.finish()
        self._is_stopped = True
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_STOP_S)
        self._set_state(State.STOPPED)

    def is_alive(self) -> bool:
        """See `Component.is_alive`."""
        return self._pulse.is_alive()

    def status(self) -> ComponentStatus:
        """See `Component.status`."""
        shown, now = self._shown, self._clock.now()
        found = self._problems(shown, now)
        newest = shown.look.newest
        return ComponentStatus(
            name=self.name,
            state=self._shown_state(found),
            since=self._since,
            last_success_at=None if newest is None else newest.finished_at,
            last_error=found[0].what if found else None,
            hint=found[0].hint or None if found else None,
            problems=tuple(found),
            details={
                **details(shown, self._config, now),
                "problems": [{"what": problem.what, "hint": problem.hint} for problem in found],
            },
            measures=_measures(shown, now),
        )

    # -- what it says of itself

    def _problems(self, shown: Shown, now: float) -> list[Problem]:
        found = problems(shown.look, now)
        if self._failure is not None:
            what = f"{type(self._failure).__name__}: {self._failure}"
            found.insert(0, Problem(what, "the agent restarts this component; report it if it stays"))
        return found

    def _shown_state(self, found: list[Problem]) -> State:
        if self._failure is not None:
            return State.FAILED
        return State.DEGRADED if found and self._state is State.RUNNING else self._state

    def _set_state(self, state: State) -> None:
        self._state = state
        self._since = self._clock.now()

    # -- its thread

    def _run(self) -> None:
        try:
            while not self._is_stopped:
                self._wake.clear()
                self._turn()
                self._pulse.beat(TURN_S)
                self._wake.wait(TURN_S if self._runs.idle.is_set() or not self._runs.is_ending else _HURRIED_S)
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self._failure = exc
            _log.exception("backup_died")
        finally:
            self._runs.close()

    def _turn(self) -> None:
        running, outcomes = self._runs.follow()
        self._show(running, outcomes)
        if self._runs.is_finishing:
            return
        # A job of ours takes seconds to note that it runs.
        is_free = running is None and self._runs.idle.is_set()
        if is_free and self._inquiry.is_due():
            self._pulse.beat(_ASKING_S)
            self._inquiry.turn()
        newest, now = known(self._inquiry, outcomes), self._clock.now()
        self._agenda.note(newest, now, is_answered=self._inquiry.answered_at is not None)
        self._tasks = self._agenda.tasks(outcomes, newest, self._inquiry.damaged, now, self._clock.monotonic())
        ready = [task for task in self._tasks if task.wait_s == 0.0]
        if is_free and ready:
            self._runs.start(ready[0].kind, ready[0].slot)
        self._show(running, outcomes)

    def _show(self, running: Running | None, outcomes: Sequence[Outcome]) -> None:
        now = self._clock.now()
        waits_s = [task.wait_s for task in self._tasks if task.wait_s > 0.0]
        drills = [outcome for outcome in outcomes if outcome.kind == "drill" and outcome.is_ok]
        self._shown = Shown(
            look=self._look(outcomes, known(self._inquiry, outcomes)),
            is_answered=self._inquiry.answered_at is not None,
            running=running,
            drill=drills[-1] if drills else None,
            next_slot=self._agenda.next_slot("backup", now),
            next_drill_slot=self._agenda.next_slot("drill", now),
            next_try_at=now + min(waits_s) if waits_s else None,
        )

    def _look(self, outcomes: Sequence[Outcome], newest: Newest | None) -> Look:
        return Look(
            newest=newest,
            damaged=self._inquiry.damaged,
            is_known=self._inquiry.answered_at is not None or newest is not None,
            oldest_s=self._agenda.oldest_s(self._clock.now()),
            since=self._agenda.since("backup"),
            failed=self._runs.failed_backup(outcomes, newest),
            drill=self._runs.failed_drill(outcomes),
            error=self._inquiry.lasting_error(),
            server=self._server,
            timezone=self._config.timezone,
        )


def _measures(shown: Shown, now: float) -> dict[str, float]:
    """An age that nobody knows is no 0: whoever watches it would take that for well."""
    measures, drill, newest = {}, restored(shown), shown.look.newest
    if shown.is_answered and newest is not None:
        measures["vawsum_backup_age_seconds"] = max(0.0, now - newest.finished_at)
    if drill is not None:
        measures["vawsum_backup_restore_seconds"] = drill[2]
    return measures
