"""``vawsum-agent deploy …``: commands about the releases of this host."""

from __future__ import annotations

import click

from vawsum_agent.cli.lazy import LazyGroup
from vawsum_agent.cli.options import examples


@click.group(
    cls=LazyGroup,
    commands_at={
        "start": "vawsum_agent.cli.deploy_start:start",
        "rollback": "vawsum_agent.cli.deploy_rollback:rollback",
        "history": "vawsum_agent.cli.deploy_history:history",
        "converge": "vawsum_agent.cli.deploy_converge:converge",
        "recover": "vawsum_agent.cli.deploy_recover:recover",
        "work": "vawsum_agent.cli.deploy_work:work",
    },
    epilog=examples(
        "deploy start --app vawsum-web --release 20261129T101500Z-4f2a91c",
        "deploy rollback --app vawsum-web",
        "deploy history --app vawsum-web",
    ),
)
def deploy() -> None:
    """Deploy a release on this host, drained, proven and watched, or take one back."""
