"""Following the work of a deploy: every line once, its end, and a new start when it is killed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.follow import followed
from vawsum_agent.deploy.journal import Journal, Refusal
from vawsum_agent.deploy.launch import passed_on, start
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.record import Record
from vawsum_agent.deploy.transient import has_systemd

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEPLOY_ID = "20261129T080000Z-0011aabb"


class Script:
    """A job that does one thing each time it is looked at, and is dead when nothing is left."""

    def __init__(self, *acts: Callable[[], object]) -> None:
        self._acts = list(acts)

    def is_alive(self) -> bool:
        """Act once more."""
        if not self._acts:
            return False
        self._acts.pop(0)()
        return True


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty one."""
    journal = Journal(AppFolder(tmp_path / "web"), SystemClock())
    journal.prepare()
    return journal


def says(journal: Journal, text: str) -> Callable[[], object]:
    """An act: text goes to the log of the deploy."""

    def act() -> None:
        with journal.log_path(DEPLOY_ID).open("a") as file:
            file.write(text)

    return act


def ends(journal: Journal) -> Callable[[], object]:
    """An act: the deploy ends."""
    record = Record(deploy_id=DEPLOY_ID, app="web", kind="start", release="r", began_at=0.0)
    return lambda: journal.close(record, End.DEPLOYED)


def test_every_line_once(journal: Journal) -> None:
    """Lines come whole and in order, those of a process that was killed and of the one after it."""
    jobs = [
        Script(says(journal, "one\ntw"), says(journal, "o\n")),
        Script(says(journal, "three\n"), ends(journal)),
    ]
    said: list[str] = []
    outcome = followed(journal, DEPLOY_ID, lambda: jobs.pop(0), say=said.append, sleep=lambda _: None)
    assert isinstance(outcome, Record)
    assert [line for line in said if "killed" not in line] == ["one", "two", "three"]


def test_it_did_not_begin(journal: Journal) -> None:
    """Why it did not begin is what comes back."""
    refusal = Refusal(message="busy", exit_code=75)
    job = Script(lambda: journal.refuse(DEPLOY_ID, refusal))
    assert followed(journal, DEPLOY_ID, lambda: job, say=print, sleep=lambda _: None) == refusal


def test_killed_again_and_again(journal: Journal) -> None:
    """Three deaths without an end are told, with who goes on."""
    with pytest.raises(DeployError, match="killed, or could not begin, 3 times"):
        followed(journal, DEPLOY_ID, Script, say=lambda _: None, sleep=lambda _: None)


def test_killed_again_and_again_when_it_had_begun(journal: Journal) -> None:
    """Then a person has to know first of all that the host may be out of service."""
    journal.write(Record(deploy_id=DEPLOY_ID, app="web", kind="start", release="r", began_at=0.0))
    with pytest.raises(DeployError, match=r"^this host may be out of service: .* 3 times") as raised:
        followed(journal, DEPLOY_ID, Script, say=lambda _: None, sleep=lambda _: None)
    assert "`vawsum-agent deploy recover`" in raised.value.hint


@pytest.mark.skipif(has_systemd(), reason="there it is a service, which prints elsewhere")
def test_no_room_for_what_it_prints(tmp_path: Path) -> None:
    """That is no reason not to start it: it may be there to take back what fills the disk."""
    job = start(["--version"], unit="none", stray=tmp_path / "nowhere" / "work.err")
    ends_at = time.monotonic() + 20
    while job.is_alive():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_what_the_work_inherits() -> None:
    """Of the caller's environment it gets the way to AWS and the agent's own settings, by name."""
    environment = dict.fromkeys(["PATH", "AWS_REGION", "VAWSUM_AGENT_CONFIG", "https_proxy", "LD_PRELOAD"], "x")
    assert passed_on(environment) == ["AWS_REGION", "VAWSUM_AGENT_CONFIG", "https_proxy"]
