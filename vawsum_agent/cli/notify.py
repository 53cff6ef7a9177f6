"""``vawsum-agent notify …``: commands about notifications."""

from __future__ import annotations

import click

from vawsum_agent.cli.lazy import LazyGroup


@click.group(cls=LazyGroup, commands_at={"test": "vawsum_agent.cli.notify_test:test"})
def notify() -> None:
    """See to it that somebody is told."""
