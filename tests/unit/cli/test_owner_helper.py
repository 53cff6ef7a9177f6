"""``vawsum-agent owner-helper``, which is for systemd to call."""

from __future__ import annotations

import click

from vawsum_agent.cli.main import cli
from vawsum_agent.cli.reference import pages


def test_hidden_but_documented() -> None:
    """The list of commands, which is for people, leaves it out; the reference tells what it is."""
    assert "owner-helper" not in cli.get_help(click.Context(cli))
    assert "## `vawsum-agent owner-helper`" in pages()["commands.md"]
