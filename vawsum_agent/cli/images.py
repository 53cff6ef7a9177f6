"""``vawsum-agent images …``: commands about uploaded pictures."""

from __future__ import annotations

import click

from vawsum_agent.cli.lazy import LazyGroup
from vawsum_agent.cli.options import examples


@click.group(
    cls=LazyGroup,
    commands_at={
        "plan": "vawsum_agent.cli.images_plan:plan",
        "move": "vawsum_agent.cli.images_move:move",
        "rehydrate": "vawsum_agent.cli.images_rehydrate:rehydrate",
        "apache-config": "vawsum_agent.cli.images_apache_config:apache_config",
        "systemd-config": "vawsum_agent.cli.images_systemd_config:systemd_config",
    },
    epilog=examples("images plan", "images move", "images apache-config > /etc/apache2/vawsum-images.conf"),
)
def images() -> None:
    """Look after pictures that move to S3."""
