"""``vawsum-agent images systemd-config``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.agents import Agent

FOLDER = """
[[images.folder]]
name = "app"
path = "/var/www/vawsum/uploads"
bucket = "vawsum-images"
delete_local = false
"""


def configure(agent: Agent) -> Agent:
    """Add a folder to the agent's configuration."""
    agent.config.write_text(agent.config.read_text() + FOLDER)
    return agent


def test_text_and_json(agent: Agent) -> None:
    """The same drop-in goes to stdout as it is to be installed, or with the file it belongs into."""
    ended = configure(agent).run("images", "systemd-config")
    assert (ended.code, ended.err) == (0, "")
    assert "\n[Service]\nBindReadOnlyPaths=-/var/www/vawsum/uploads\n" in ended.out
    assert json.loads(agent.run("images", "systemd-config", "--json").out) == {
        "unit": "vawsum-agent.service",
        "file": "/etc/systemd/system/vawsum-agent.service.d/vawsum-images.conf",
        "configuration": ended.out,
    }


def test_of_an_owner(agent: Agent) -> None:
    """With --owner it is for that user's helper; of a user without folders it says whose there are."""
    ended = configure(agent).run("images", "systemd-config", "--owner", "www-data")
    assert (ended.code, ended.err) == (0, "")
    assert "/vawsum-agent-owner@www-data.service.d/" in ended.out
    ended = agent.run("images", "systemd-config", "--owner", "nobody")
    assert (ended.code, ended.out) == (64, "")
    assert ended.err == "error: no folder belongs to nobody (the owners are www-data)\n"


def test_without_folders(agent: Agent) -> None:
    """There is nothing to open."""
    ended = agent.run("images", "systemd-config")
    assert (ended.code, ended.out) == (64, "")
    assert "[[images.folder]]" in ended.err
