"""``vawsum-agent images apache-config``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.agents import Agent

FOLDER = """
[[images.folder]]
name = "app"
path = "/srv/vawsum/uploads"
bucket = "vawsum-images"
public_url = "https://images.vawsum.test/uploads/"

[[images.folder]]
name = "copied"
path = "/srv/vawsum/copied"
bucket = "vawsum-images"
delete_local = false
"""


def configure(agent: Agent, text: str) -> Agent:
    """Add to the agent's configuration."""
    agent.config.write_text(agent.config.read_text() + text)
    return agent


def test_text(agent: Agent) -> None:
    """It goes to stdout as it is to be installed, and its first lines say how."""
    ended = configure(agent, FOLDER).run("images", "apache-config")
    assert (ended.code, ended.err) == (0, "")
    assert "a2enmod rewrite" in ended.out.partition("\nRewriteEngine On")[0]
    assert '"https://images.vawsum.test/uploads/%1"' in ended.out
    assert "/srv/vawsum/copied" not in ended.out


def test_json(agent: Agent) -> None:
    """One document: the same text, and the folders it is for."""
    text = configure(agent, FOLDER).run("images", "apache-config").out
    document = json.loads(agent.run("images", "apache-config", "--json").out)
    assert document == {
        "configuration": text,
        "folders": [
            {
                "name": "app",
                "path": "/srv/vawsum/uploads",
                "url_path": "/uploads/",
                "public_url": "https://images.vawsum.test/uploads/",
            }
        ],
    }


def test_nothing_to_lead_to(agent: Agent) -> None:
    """Without a folder that has an address it says what to add, and prints nothing that could be installed."""
    copied = "[[images.folder]]" + FOLDER.rpartition("[[images.folder]]")[2]
    for text in ("", copied):
        ended = configure(agent, text).run("images", "apache-config")
        assert (ended.code, ended.out) == (64, "")
        assert "public_url" in ended.err
        assert len(ended.err.splitlines()) == 1


def test_two_folders_at_one_path(agent: Agent) -> None:
    """What can't be served is no configuration."""
    other = FOLDER.replace('"app"', '"other"').replace("/srv/vawsum", "/srv/other").replace('"copied"', '"copied-2"')
    ended = configure(agent, FOLDER + other).run("images", "apache-config")
    assert (ended.code, ended.out) == (78, "")
    assert ".url_path = (missing)" in ended.err
