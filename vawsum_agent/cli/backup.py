"""``vawsum-agent backup …``: commands about backups of MySQL and MariaDB."""

from __future__ import annotations

import click

from vawsum_agent.cli.lazy import LazyGroup
from vawsum_agent.cli.options import examples


@click.group(
    cls=LazyGroup,
    commands_at={
        "run": "vawsum_agent.cli.backup_run:run",
        "list": "vawsum_agent.cli.backup_list:list_backups",
        "verify": "vawsum_agent.cli.backup_verify:verify",
        "restore": "vawsum_agent.cli.backup_restore:restore",
        "drill": "vawsum_agent.cli.backup_drill:drill",
    },
    epilog=examples("backup list", "backup run", "backup restore --into /root/new-server.cnf", "backup drill"),
)
def backup() -> None:
    """Back up MySQL or MariaDB to S3, restore it, and prove that it restores."""
