"""A deploy that has begun is not given up at the first trouble; one that has not is refused at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError, BusyError, DeployError
from vawsum_agent.deploy.engine import Unended
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.persist import BUSY_S, PAUSES_S, carried_through
from vawsum_agent.deploy.record import Line, Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEPLOY_ID = "20261129T080000Z-0011aabb"
NO_REGION = DeployError("no AWS region is known", hint="set agent.region")


class Host:
    """Attempts that fail in their turn, and whatever happens in the pauses between them."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(AppFolder(folder / "web"), SystemClock())
        self.journal.prepare()
        self.record = Record(deploy_id=DEPLOY_ID, app="web", kind="start", release="r2", began_at=0.0)
        self.troubles: list[AgentError] = []
        self.pauses: list[float] = []
        self.said: list[str] = []
        self.meanwhile: Callable[[], object] = list

    def begins(self) -> None:
        """Let it be cut off while the host is out of service."""
        self.record.lines = [Line(step=Step.DRAIN, phase="begun", at=0.0)]
        self.journal.write(self.record)

    def carried_through(self) -> Record:
        """Carry it out."""
        return carried_through(self.journal, DEPLOY_ID, self._attempt, say=self.said.append, sleep=self._sleep)

    def _attempt(self) -> Record:
        if self.troubles:
            raise self.troubles.pop(0)
        self.journal.close(self.record, End.TAKEN_BACK)
        return self.record

    def _sleep(self, wait_s: float) -> None:
        self.pauses.append(wait_s)
        self.meanwhile()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One of them."""
    return Host(tmp_path)


def test_aws_does_not_answer_after_a_crash(host: Host) -> None:
    """It is tried again, at growing intervals, until it is gone on with; whoever follows is told why it waits."""
    host.begins()
    host.troubles = [NO_REGION] * 3
    assert host.carried_through().end == End.TAKEN_BACK
    assert host.pauses == list(PAUSES_S[:3])
    assert host.said[0] == "not now: no AWS region is known (set agent.region): again in 1 s"


def test_what_did_not_begin(host: Host) -> None:
    """Nothing was touched, so nobody has to wait to hear that it is refused."""
    for trouble in (NO_REGION, BusyError("busy")):
        host.troubles = [trouble]
        with pytest.raises(type(trouble)):
            host.carried_through()
    assert host.pauses == []


def test_given_up(host: Host) -> None:
    """Minutes later that is told, with what it means for the host, and what a person can do."""
    host.begins()
    host.troubles = [NO_REGION] * 100
    with pytest.raises(DeployError, match=r"this host may be out of service.*no AWS region is known") as raised:
        host.carried_through()
    assert raised.value.hint == "set agent.region; then `vawsum-agent deploy recover` finishes it or takes it back"
    assert host.pauses == list(PAUSES_S)
    assert list(PAUSES_S) == sorted(PAUSES_S)
    assert 180 <= sum(PAUSES_S) <= 600


def test_it_says_itself_that_it_has_come_to_an_end(host: Host) -> None:
    """Asked to stop, or without room for its last note, it is not begun once more."""
    host.begins()
    host.troubles = [Unended("asked to stop")]
    with pytest.raises(Unended, match="asked to stop"):
        host.carried_through()
    assert host.pauses == []


def test_somebody_else_ends_it(host: Host) -> None:
    """Who took the lock takes this one back first, however long that takes: its record is what came of it."""
    host.begins()
    host.troubles = [BusyError("busy: start of web")] * 1000

    def ends_late() -> None:
        if len(host.pauses) == 400:
            host.journal.close(host.record, End.TAKEN_BACK)

    host.meanwhile = ends_late
    assert host.carried_through().end == End.TAKEN_BACK
    assert host.pauses == [BUSY_S] * 400
    assert host.said == ["busy: start of web: it is waited for"]


def test_somebody_else_dies_over_it(host: Host) -> None:
    """Once the lock is free it is gone on with here."""
    host.begins()
    host.troubles = [BusyError("busy: recovery")] * 2
    assert host.carried_through().end == End.TAKEN_BACK
