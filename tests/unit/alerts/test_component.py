"""The component: its thread, its drain, and what it says of itself."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.unit.alerts.looking import TOPIC, HandClock, Inbox, status
from vawsum_agent.alerts.component import AlertsComponent
from vawsum_agent.config.model import Config, NotifyConfig
from vawsum_agent.core.board import StatusBoard
from vawsum_agent.core.clock import Deadline, SystemClock
from vawsum_agent.core.component import State
from vawsum_agent.core.errors import AccessDenied, AwsError, DrainTimeout, Unavailable
from vawsum_agent.core.identity import Identity
from vawsum_agent.state.notifications import Draft, Notifications
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Alerts:
    """A component with all it needs."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.sns = Inbox()
        self.board = StatusBoard()
        self.store = Store.open(folder / "state.db", SystemClock())
        self.rows = Notifications(self.store)
        config = Config(notify=NotifyConfig(sns_topic_arn=TOPIC))
        identity = Identity("i-0abc", "h", "production", "web")
        self.component = AlertsComponent(
            config, identity, self.store, self.sns, self.board, self.clock, lambda: "web-asg"
        )

    def put(self, count: int) -> None:
        """Fill the outbox from outside."""
        self.rows.record({}, [Draft(self.clock.now(), f"s{number}", "b") for number in range(count)])

    def wait_failed(self, error: AwsError) -> None:
        """Wait until SNS has refused one and the component has noted it."""
        self.wait(lambda: self.component._sender.error is error)

    def post(self, state: str) -> None:
        """Let 15 seconds pass and post how the logs are."""
        self.clock.pass_s(15.0)
        before = self.component._turns
        self.board.post(self.clock.now(), [status(state, "why"), status("running", name="alerts")])
        self.wait(lambda: self.component._turns > before + 1)

    def wait(self, holds: Callable[[], bool]) -> None:
        """Wait for the thread."""
        ends_at = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < ends_at
            self.component._wake.set()
            time.sleep(0.005)


@contextmanager
def started(folder: Path) -> Iterator[Alerts]:
    """A component that runs."""
    alerts = Alerts(folder)
    alerts.component.start()
    try:
        yield alerts
    finally:
        alerts.component.stop()


def test_from_the_board_to_the_topic(tmp_path: Path) -> None:
    """The thread looks, decides and sends; status counts it, names the topic and the last message."""
    with started(tmp_path) as alerts:
        for state in ("running", "failed", "failed"):
            alerts.post(state)
        alerts.wait(lambda: bool(alerts.sns.messages))
        alerts.wait(lambda: alerts.component.status().details["sent"] == 1)
        now = alerts.component.status()
        assert alerts.sns.subjects() == ["[FAILED] logs on i-0abc (production web)"]
        assert "group web-asg" in alerts.sns.messages[0][1]
    assert (now.name, now.state, now.backlog_count, now.last_error) == ("alerts", State.RUNNING, 0, None)
    assert now.last_success_at == alerts.clock.now()
    assert now.details == {
        "topic": TOPIC,
        "sent": 1,
        "waiting": 0,
        "folded": 0,
        "dropped": 0,
        "last_message": {
            "subject": "[FAILED] logs on i-0abc (production web)",
            "message_id": "id-1",
            "sent_at": "2026-01-01T00:00:45.000Z",
        },
    }
    assert alerts.component.status().state is State.STOPPED


def test_degraded_after_ten_seconds_of_failing(tmp_path: Path) -> None:
    """A hiccup shows as backlog only; what stays shows as degraded with its remedy, and goes when SNS takes them."""
    with started(tmp_path) as alerts:
        denied = AccessDenied("Publish: no", hint="allow Publish")
        alerts.sns.fails_with = lambda _: denied
        alerts.put(2)
        alerts.wait_failed(denied)
        alerts.wait(lambda: alerts.component.status().backlog_count == 2)
        assert alerts.component.status().state is State.RUNNING
        alerts.clock.pass_s(11.0)
        now = alerts.component.status()
        assert (now.state, now.last_error, now.hint) == (State.DEGRADED, "Publish: no", "allow Publish")
        alerts.sns.fails_with = lambda _: None
        alerts.clock.pass_s(120.0)
        alerts.wait(lambda: len(alerts.sns.messages) == 2)
        alerts.wait(lambda: alerts.component.status().backlog_count == 0)
        assert alerts.component.status().state is State.RUNNING


def test_drain_sends_what_waits(tmp_path: Path) -> None:
    """All is sent when drain returns, also when the sender was waiting out a backoff."""
    with started(tmp_path) as alerts:
        away = Unavailable("away")
        alerts.sns.fails_with = lambda _: away if alerts.sns.calls == 1 else None
        alerts.put(3)
        alerts.wait_failed(away)
        alerts.component.drain(Deadline(SystemClock(), 10))
        assert alerts.sns.subjects() == ["s0", "s1", "s2"]
        assert alerts.component.status().state is State.DRAINING


def test_drain_says_what_is_left(tmp_path: Path) -> None:
    """SNS stays away until the deadline: how many wait, and that they are kept."""
    with started(tmp_path) as alerts:
        away = Unavailable("away")
        alerts.sns.fails_with = lambda _: away
        alerts.put(3)
        alerts.wait_failed(away)
        with pytest.raises(DrainTimeout, match="3 notifications not sent: away") as raised:
            alerts.component.drain(Deadline(SystemClock(), 0.5))
        assert "after the next start" in raised.value.hint
    assert alerts.rows.waiting_count() == 3


def test_drain_does_not_wait_for_what_only_people_can_mend(tmp_path: Path) -> None:
    """No such permission: a stop is not held up to its deadline for it."""
    with started(tmp_path) as alerts:
        alerts.sns.fails_with = lambda _: AccessDenied("no")
        alerts.put(1)
        begun = time.monotonic()
        with pytest.raises(DrainTimeout):
            alerts.component.drain(Deadline(SystemClock(), 60))
        assert time.monotonic() - begun < 20


def test_drain_with_nothing_to_send(tmp_path: Path) -> None:
    """Nothing waits: it returns at once."""
    with started(tmp_path) as alerts:
        begun = time.monotonic()
        alerts.component.drain(Deadline(SystemClock(), 60))
        assert time.monotonic() - begun < 5


def test_a_bug_is_a_failure_that_the_supervisor_sees(tmp_path: Path) -> None:
    """Its thread dies of what nobody foresaw: failed, with the reason, and a drain does not wait for it."""
    with started(tmp_path) as alerts:

        def broken(_: str) -> None:
            raise ZeroDivisionError

        alerts.sns.fails_with = broken
        alerts.put(1)
        alerts.wait(lambda: alerts.component.status().state is State.FAILED)
        assert "ZeroDivisionError" in (alerts.component.status().last_error or "")
        with pytest.raises(DrainTimeout):
            alerts.component.drain(Deadline(SystemClock(), 60))


def test_alive_while_it_turns_and_not_when_it_hangs(tmp_path: Path) -> None:
    """A request that never ends is noticed; the time that one may take is not held against it."""
    hangs = threading.Event()
    with started(tmp_path) as alerts:
        assert alerts.component.is_alive()
        alerts.sns.fails_with = lambda _: Unavailable("late") if hangs.wait(30) else None
        alerts.put(1)
        alerts.wait(lambda: alerts.sns.calls == 1)
        alerts.clock.pass_s(50.0)
        assert alerts.component.is_alive()
        alerts.clock.pass_s(30.0)
        assert not alerts.component.is_alive()
        hangs.set()


def test_stop_twice(tmp_path: Path) -> None:
    """Stopping is idempotent, also without a start."""
    alerts = Alerts(tmp_path)
    alerts.component.stop()
    alerts.component.stop()
    assert alerts.component.status().state is State.STOPPED
