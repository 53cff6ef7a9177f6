"""The deploy capability as a component: one thread that looks at the journals, and what `status` says of them.

The work is done by processes of their own, as root; see `vawsum_agent.deploy.work`. The daemon reads what they noted,
or copies of it, and changes nothing.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.component import ComponentStatus, Problem, State
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.pulse import Pulse
from vawsum_agent.deploy.copies import COPIES
from vawsum_agent.deploy.details import last_success_at, measures, row
from vawsum_agent.deploy.glance import Glance
from vawsum_agent.deploy.health import Look, problems
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.standing import standing
from vawsum_agent.deploy.worker import is_worked_on

if TYPE_CHECKING:
    from vawsum_agent.config.model.deploy import DeployApp, DeployConfig
    from vawsum_agent.core.clock import Clock, Deadline

_log = structlog.get_logger()

TURN_S = 1.0
_STOP_S = 2.0


class DeployComponent:
    """Shows deploys, and tells of one that needs a person.

    Args:
        config: the applications.
        clock: wall and monotonic time.
        turn_s: between two looks.
        proc: where procfs is mounted.
        copies: where copies of records are, a folder an application.
    """

    name = "deploy"

    def __init__(
        self,
        config: DeployConfig,
        clock: Clock,
        *,
        turn_s: float = TURN_S,
        proc: Path = Path("/proc"),
        copies: Path = COPIES,
    ) -> None:
        self._clock = clock
        self._turn_s = turn_s
        self._proc = proc
        self._copies = copies
        folders = [AppFolder(Path(app.path)) for app in config.app]
        glances = [Glance(folder, copies / app.name) for app, folder in zip(config.app, folders, strict=True)]
        self._watched = list(zip(config.app, folders, glances, strict=True))
        self._looks = [Look(app=app) for app in config.app]
        self._pulse = Pulse(clock)
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deploy", daemon=True)
        self._since = clock.now()
        self._state = State.STARTING
        self._is_stopped = False
        self._failure: Exception | None = None

    # -- Component

    def start(self) -> None:
        """See `Component.start`. What the journals tell is known on return."""
        self._look()
        self._thread.start()
        self._set_state(State.RUNNING)

    def drain(self, deadline: Deadline) -> None:
        """See `Component.drain`. There is nothing to flush: a deploy that runs is no process of the daemon's."""
        del deadline
        self._set_state(State.DRAINING)

    def stop(self) -> None:
        """See `Component.stop`."""
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
        looks, now = self._looks, self._clock.now()
        found = [problem for look in looks for problem in problems(look, now)]
        if self._failure is not None:
            what = f"{type(self._failure).__name__}: {self._failure}"
            found.insert(0, Problem(what, "the agent restarts this component; report it if it stays"))
        is_stuck = any(look.is_stuck for look in looks)
        return ComponentStatus(
            name=self.name,
            state=self._shown_state(found, is_stuck=is_stuck),
            since=self._since,
            last_success_at=last_success_at(looks),
            last_error=found[0].what if found else None,
            hint=found[0].hint or None if found else None,
            problems=tuple(found),
            details={
                "apps": [row(look) for look in looks],
                "problems": [{"what": problem.what, "hint": problem.hint} for problem in found],
            },
            measures=measures(looks, now),
            # A deploy that is stuck is so for whoever looks.
            is_replaceable=self._failure is not None,
        )

    # -- what it says of itself

    def _shown_state(self, found: list[Problem], *, is_stuck: bool) -> State:
        if self._failure is not None:
            return State.FAILED
        if self._state is not State.RUNNING or not found:
            return self._state
        return State.FAILED if is_stuck else State.DEGRADED

    def _set_state(self, state: State) -> None:
        self._state = state
        self._since = self._clock.now()

    # -- its thread

    def _run(self) -> None:
        try:
            while not self._is_stopped:
                self._wake.wait(self._turn_s)
                self._look()
                self._pulse.beat(self._turn_s)
        except Exception as exc:  # noqa: BLE001 - a thread's last word; the supervisor replaces the component
            self._failure = exc
            _log.exception("deploy_watch_died")

    def _look(self) -> None:
        before = self._looks
        self._looks = [self._look_at(*watched, before[number]) for number, watched in enumerate(self._watched)]

    def _look_at(self, app: DeployApp, folder: AppFolder, glance: Glance, before: Look) -> Look:
        try:
            records = glance.look()
        except DeployError as error:
            return Look(app=app, standing=before.standing, error=error)
        found = standing(records, _linked(folder))
        is_busy = found.unfinished is not None and is_worked_on(folder, self._copies / app.name, self._proc)
        return Look(app=app, standing=found, is_worked_on=is_busy)


def _linked(folder: AppFolder) -> str | None:
    try:
        return folder.current_release()
    except OSError:
        return None
