"""``vawsum-agent notify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.agents import Agent


def test_no_topic(agent: Agent) -> None:
    """Without [notify] there is nowhere to send to: wrong usage, and what to add."""
    for arguments in (["notify", "test"], ["notify", "test", "--json"]):
        ended = agent.run(*arguments)
        assert (ended.code, ended.out) == (64, "")
        assert ended.err.startswith("error: ")
        assert '[notify] with sns_topic_arn = "arn:aws:sns:' in ended.err
        assert len(ended.err.splitlines()) == 1


def test_a_bad_topic(agent: Agent) -> None:
    """A topic that can't be one is bad configuration; nothing is sent."""
    agent.config.write_text(f'{agent.config.read_text()}[notify]\nsns_topic_arn = "vawsum-ops"\n')
    ended = agent.run("notify", "test")
    assert ended.code == 78
    assert "notify.sns_topic_arn" in ended.err


def test_help(agent: Agent) -> None:
    """The help shows it in use."""
    assert "vawsum-agent notify test --json" in agent.run("notify", "test", "--help").out
