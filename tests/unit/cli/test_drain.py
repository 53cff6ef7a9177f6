"""``vawsum-agent drain``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vawsum_agent.daemon.requests import DrainReport
from vawsum_agent.daemon.supervised import DrainOutcome

if TYPE_CHECKING:
    from tests.unit.cli.agents import Agent


def test_drained(agent: Agent) -> None:
    """When all is delivered the exit code is 0."""
    agent.start()
    ended = agent.run("drain")
    assert (ended.code, ended.out, ended.err) == (0, "drained\n", "")
    assert json.loads(agent.run("drain", "--json").out)["drained"] is True


def test_work_left(agent: Agent) -> None:
    """What was left is told, with exit code 1: nobody may take that for done."""
    agent.report = DrainReport([DrainOutcome("logs", "9 B not accepted")])
    agent.start()
    ended = agent.run("drain")
    assert ended.code == 1
    assert ended.err.startswith("error: logs: 9 B not accepted (")
    as_json = agent.run("drain", "--json")
    assert (as_json.code, json.loads(as_json.out)["drained"]) == (1, False)


def test_busy(agent: Agent) -> None:
    """A daemon that starts, stops or drains already says try again: 75."""
    agent.report = DrainReport(is_refused=True)
    agent.start()
    assert agent.run("drain").code == 75


def test_no_daemon(agent: Agent) -> None:
    """Without a daemon nothing is drained."""
    ended = agent.run("drain")
    assert ended.code == 1
    assert "no daemon answers" in ended.err
