"""The component: it sees what root notes, and is well while deploys are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.watching.records import DEPLOYED, EPOCH, NEW, STUCK, TAKEN_BACK, Host, record
from vawsum_agent.config.model.deploy import DeployConfig
from vawsum_agent.core.clock import Deadline, SystemClock
from vawsum_agent.core.component import State
from vawsum_agent.deploy.component import DeployComponent
from vawsum_agent.deploy.machine import End

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """An application that was never deployed."""
    return Host(tmp_path / "web")


@pytest.fixture
def component(host: Host) -> Iterator[DeployComponent]:
    """Its component, not started."""
    made = DeployComponent(DeployConfig(app=[host.app]), SystemClock(), turn_s=0.05)
    yield made
    made.stop()


def wait_until(holds: Callable[[], object]) -> None:
    """Wait for a look."""
    ends_at = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_what_is_noted_shows(host: Host, component: DeployComponent) -> None:
    """From its start, and with each look from then on."""
    host.write(record(*DEPLOYED, number=1, end=End.DEPLOYED))
    component.start()
    status = component.status()
    assert (status.state, status.last_success_at, status.backlog_count) == (State.RUNNING, EPOCH + 60, 0)
    assert status.details["apps"][0]["current"] == NEW  # type: ignore[index]
    host.write(record(*TAKEN_BACK, number=2, end=End.TAKEN_BACK))
    wait_until(lambda: component.status().details["apps"][0]["last_deploy"]["result"] == "taken back")  # type: ignore[index]
    assert component.status().state is State.RUNNING
    assert component.is_alive()
    component.drain(Deadline(SystemClock(), 1))
    component.stop()
    assert component.status().state is State.STOPPED


def test_copies_are_enough(host: Host, component: DeployComponent) -> None:
    """Where the daemon's unit hides the application, it is as well as its deploys are, without anything to set up."""
    component.start()
    assert component.status().state is State.RUNNING
    component.stop()
    host.write(record(*DEPLOYED, end=End.DEPLOYED))
    host.hide()
    seeing = DeployComponent(DeployConfig(app=[host.app]), SystemClock(), copies=host.copies.parent)
    seeing.start()
    status = seeing.status()
    seeing.stop()
    assert (status.state, status.last_success_at, status.problems) == (State.RUNNING, EPOCH + 60, ())
    assert status.details["apps"][0]["last_deploy"]["result"] == "deployed"  # type: ignore[index]


def test_stuck_is_failed_and_stays_so(host: Host, component: DeployComponent) -> None:
    """Failed, with all that a person needs; another component would say the same, so none takes its place."""
    host.write(record(*STUCK, end=End.STUCK))
    component.start()
    status = component.status()
    assert (status.state, status.is_replaceable) == (State.FAILED, False)
    assert "STUCK" in (status.last_error or "")
    assert "runbooks" in (status.hint or "")
    assert status.measures["vawsum_deploy_failed"] == 1


def test_cut_off_is_degraded(host: Host, component: DeployComponent) -> None:
    """A deploy that nobody goes on with."""
    host.write(record())
    component.start()
    assert component.status().state is State.DEGRADED
    assert "cut off" in (component.status().last_error or "")


def test_an_unreadable_journal_is_degraded(host: Host, component: DeployComponent) -> None:
    """What was known stays, and nothing is published that is not known."""
    host.write(record(*DEPLOYED, end=End.DEPLOYED))
    component.start()
    (host.journal / "20270101T000000Z-0011aabb.json").write_text("{}")
    wait_until(lambda: component.status().state is State.DEGRADED)
    status = component.status()
    assert (status.last_success_at, status.measures) == (EPOCH + 60, {})
    assert status.details["apps"][0]["last_error"] == status.last_error.removeprefix("web: ")  # type: ignore[index,union-attr]
