"""``vawsum-agent notify …``: commands about notifications."""

from __future__ import annotations

import click

from vawsum_agent.cli.lazy import LazyGroup
from vawsum_agent.cli.options import examples


@click.group(
    cls=LazyGroup,
    commands_at={"test": "vawsum_agent.cli.notify_test:test"},
    epilog=examples("notify test", "notify test --json"),
)
def notify() -> None:
    """See to it that somebody is told."""
