"""The daemon's main loop: what it does when it is told to stop, reload or drain."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import capture_logs

from tests.unit.daemon.components import Script, Scripted, wait_until
from vawsum_agent.config.load import Loaded
from vawsum_agent.config.model import AgentConfig, Config, MetricsConfig, Seconds
from vawsum_agent.core.board import StatusBoard
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.component import State
from vawsum_agent.core.errors import AgentError, ConfigError, Violation
from vawsum_agent.core.identity import Identity
from vawsum_agent.daemon.lifecycle import Daemon, Generation, OwnProcess
from vawsum_agent.daemon.notify import Notifier
from vawsum_agent.daemon.requests import DrainReport, Reload, Stop
from vawsum_agent.daemon.supervised import Part
from vawsum_agent.daemon.supervisor import Supervisor
from vawsum_agent.state.inspection import read_snapshot
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.core.component import ComponentStatus

CLOCK = SystemClock()


class Running:
    """A daemon on a thread, over a real store, with one scripted component."""

    def __init__(self, folder: Path, script: Script, drain_timeout_s: float = 5.0) -> None:
        self.script = script
        self.path = folder / "state.db"
        self.store = Store.open(self.path, CLOCK)
        self.following: list[Generation | AgentError] = []
        self.guarded: list[float] = []
        self.exit_code: int | None = None
        self.board = StatusBoard()
        self._drain_timeout_s = drain_timeout_s
        self.daemon = Daemon(
            self.generation("logs"),
            version="1",
            next_generation=self._next,
            store=self.store,
            notifier=Notifier(None),
            clock=CLOCK,
            process=OwnProcess(7, self.guarded.append, lambda: None),
            board=self.board,
        )
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def generation(self, name: str, role: str = "web") -> Generation:
        """What a configuration with one component of that name becomes, or with none where it is empty."""
        agent = AgentConfig(drain_timeout=Seconds(self._drain_timeout_s))
        config = Config(agent=agent, metrics=MetricsConfig() if name else None)
        parts = [Part(name, lambda: Scripted(name, self.script))] if name else []
        return Generation(Loaded(config, ()), Identity("i-1", "host", "test", role), Supervisor(parts, CLOCK))

    def _next(self) -> Generation:
        following = self.following.pop(0)
        if isinstance(following, AgentError):
            raise following
        return following

    def _run(self) -> None:
        self.exit_code = self.daemon.run()

    def state(self) -> str:
        """The state as ``status`` shows it."""
        return str(self.daemon.status()["state"])

    def stop(self) -> None:
        """Ask for a stop and wait for it."""
        self.daemon.inbox.put(Stop("test"))
        self.join()

    def join(self) -> None:
        """Wait for the end."""
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A daemon that runs."""
    running = Running(tmp_path, Script())
    wait_until(lambda: running.state() == "running")
    yield running
    if running.exit_code is None:
        running.stop()
    running.store.close()


def test_start_and_stop(running: Running) -> None:
    """A stop drains, then stops, then ends with 0; the end is guaranteed from its first moment on."""
    running.stop()
    assert running.script.diary == ["logs start", "logs drain", "logs stop"]
    assert running.exit_code == 0
    assert running.guarded == [5.0]
    assert running.state() == "stopped"


def test_last_status_outlives_the_daemon(running: Running) -> None:
    """What the daemon said last can be read when it is gone."""
    running.stop()
    snapshot = read_snapshot(running.path)
    assert snapshot is not None
    assert snapshot[0]["state"] == "stopped"
    assert snapshot[0]["instance_id"] == "i-1"


def test_second_stop_ends_at_once(running: Running) -> None:
    """A second signal does not wait for a drain that hangs."""
    running.script.drain_lasts_until = threading.Event()
    running.daemon.inbox.put(Stop("SIGTERM"))
    wait_until(lambda: running.state() == "draining")
    wait_until(lambda: "logs drain" in running.script.diary)
    running.stop()
    assert running.exit_code == 1
    running.script.drain_lasts_until.set()


def test_stop_keeps_its_deadline(tmp_path: Path) -> None:
    """With work left at the deadline the daemon still stops, in good order: what is left stays on the disk."""
    running = Running(tmp_path, Script(drain_lasts_until=threading.Event()), drain_timeout_s=0.3)
    wait_until(lambda: running.state() == "running")
    running.stop()
    assert running.exit_code == 0
    assert running.script.diary[-1] == "logs stop"
    running.store.close()


def test_drain_flushes_and_goes_on(running: Running) -> None:
    """After a drain the daemon runs as before, with components built anew."""
    report = running.daemon.drain(5.0)
    assert [outcome.error for outcome in report.outcomes] == [None]
    assert running.script.diary == ["logs start", "logs drain", "logs stop", "logs start"]
    assert running.state() == "running"


def test_drain_while_draining_is_refused(running: Running) -> None:
    """One at a time: the second one is told to try again, and a stop cuts the first one short."""
    running.script.drain_lasts_until = gate = threading.Event()
    reports: list[DrainReport] = []
    first = threading.Thread(target=lambda: reports.append(running.daemon.drain(60.0)))
    first.start()
    wait_until(lambda: running.state() == "draining")
    assert running.daemon.drain(1.0).is_refused
    threading.Timer(0.5, gate.set).start()
    running.stop()
    first.join(5)
    assert [outcome.error for outcome in reports[0].outcomes] == ["work was left"]
    assert running.exit_code == 0
    assert running.script.diary[-1] != "logs start"


def test_reload_builds_new_components(running: Running) -> None:
    """A reload drains and stops the old components before the new ones start."""
    running.following.append(running.generation("other", role="db"))
    running.daemon.inbox.put(Reload())
    wait_until(lambda: "other start" in running.script.diary)
    assert running.script.diary == ["logs start", "logs drain", "logs stop", "other start"]
    wait_until(lambda: running.state() == "running")
    assert running.daemon.status()["role"] == "db"


def test_reload_with_a_bad_configuration(running: Running) -> None:
    """A configuration that does not hold is told in status; what ran goes on, untouched."""
    running.following += [ConfigError([Violation("agent.toml", "agent.role", "wbe", "web")]), running.generation("x")]
    running.daemon.inbox.put(Reload())
    wait_until(lambda: running.state() == "degraded")
    assert 'agent.role = "wbe"' in str(running.daemon.status()["notices"])
    assert running.script.diary == ["logs start"]
    running.daemon.inbox.put(Reload())
    wait_until(lambda: running.state() == "running")
    assert running.daemon.status()["notices"] == []


def test_a_refused_configuration_is_posted_for_those_who_tell_others(running: Running) -> None:
    """It stands on the board as what the agent itself can't do, until a reload is accepted."""

    def own() -> ComponentStatus:
        running.daemon._next_snapshot = 0.0
        return next(status for status in running.board.latest().statuses if status.name == "agent")

    wait_until(lambda: bool(running.board.latest().statuses))
    assert (own().state, own().last_error) == (State.RUNNING, None)
    running.following += [ConfigError([Violation("agent.toml", "agent.role", "wbe", "web")]), running.generation("x")]
    running.daemon.inbox.put(Reload())
    wait_until(lambda: own().state is State.DEGRADED)
    assert 'agent.role = "wbe"' in str(own().last_error)
    assert "check-config" in str(own().hint)
    running.daemon.inbox.put(Reload())
    wait_until(lambda: own().state is State.RUNNING)


def test_configuration_without_work(running: Running) -> None:
    """A daemon that has nothing to do says so in status and, once, in its log; it is not degraded by that."""
    structlog.reset_defaults()  # commands that other tests ran in this process have silenced it
    with capture_logs() as logged:
        running.following.append(running.generation(""))
        running.daemon.inbox.put(Reload())
        wait_until(lambda: "nothing is switched on" in str(running.daemon.status()["notices"]))
        wait_until(lambda: running.state() == "running")
        running.stop()
    assert [event["log_level"] for event in logged if event["event"] == "nothing_switched_on"] == ["warning"]


def test_status_document(running: Running) -> None:
    """The keys that scripts rely on are there, with times in RFC 3339."""
    status = running.daemon.status()
    assert {"version", "state", "instance_id", "role", "pid", "started_at", "components"} <= set(status)
    components = status["components"]
    assert isinstance(components, list)
    assert components[0] == {
        "name": "logs",
        "state": "running",
        "since": "1970-01-01T00:00:01.000Z",
        "last_success_at": None,
        "backlog_count": 0,
        "backlog_bytes": 0,
        "last_error": None,
        "hint": None,
        "details": {"files": [], "restarts": 0},
    }


@pytest.mark.parametrize(
    ("state", "shown"),
    [(State.DEGRADED, "degraded"), (State.FAILED, "failed"), (State.RUNNING, "running")],
)
def test_overall_state(running: Running, state: State, shown: str) -> None:
    """The daemon is as well as its worst component."""
    running.script.state = state
    wait_until(lambda: running.state() == shown)
    running.script.state = State.RUNNING


def test_components_are_posted_for_those_that_tell_others(running: Running) -> None:
    """What the daemon saves as its status it posts as well, and how it is itself: others tell of it."""
    wait_until(lambda: len(running.board.latest().statuses) > 0)
    posted = running.board.latest()
    assert [status.name for status in posted.statuses] == ["logs", "agent"]
    assert abs(posted.at - CLOCK.now()) < 30
