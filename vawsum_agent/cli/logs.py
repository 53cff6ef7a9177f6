"""``vawsum-agent logs …``: commands about shipped logs."""

from __future__ import annotations

import click

from vawsum_agent.cli.lazy import LazyGroup
from vawsum_agent.cli.options import examples


@click.group(
    cls=LazyGroup,
    commands_at={"replay": "vawsum_agent.cli.logs_replay:replay"},
    epilog=examples("logs replay --dry-run", "logs replay --reason too_old --restamp"),
)
def logs() -> None:
    """Look after what was shipped, and what could not be."""
