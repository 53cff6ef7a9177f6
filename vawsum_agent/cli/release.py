"""``vawsum-agent release …``: commands about releases, on the host that builds them."""

from __future__ import annotations

import click

from vawsum_agent.cli.lazy import LazyGroup
from vawsum_agent.cli.options import examples


@click.group(
    cls=LazyGroup,
    commands_at={"publish": "vawsum_agent.cli.release_publish:publish"},
    epilog=examples(
        "release publish --app vawsum-web --repository git@bitbucket.org:vawsum/web.git --ref master",
        "release publish --app vawsum-web --from ./build --dry-run",
    ),
)
def release() -> None:
    """Make releases of an application for its hosts to deploy."""
