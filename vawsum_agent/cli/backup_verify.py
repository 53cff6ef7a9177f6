"""``vawsum-agent backup verify``: is what lies in S3 what was written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vawsum_agent.backup.job import begun
from vawsum_agent.backup.publish.expire import keep_needed
from vawsum_agent.backup.publish.verify import is_damage
from vawsum_agent.backup.publish.verify import verify as read_back
from vawsum_agent.cli.backup_options import backup_argument, chosen, ground
from vawsum_agent.cli.backup_progress import interruptible, shown
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.cli.backup_options import Ground


@click.command(epilog=examples("backup verify", "backup verify 20260131T183000Z", "backup verify --json"))
@backup_argument
@config_option
@json_option
@click.option("--server", metavar="NAME", help="A backup of this data. Without it of this host's.")
def verify(config_path: Path, *, backup_id: str, as_json: bool, server: str | None) -> int:
    """Read a backup back from S3, the latest without an ID: every byte, every frame, every checksum.

    Exit code 0 says that it is whole, which is written beside its manifest; 1 that it is damaged or can't be read.
    That it restores, too, is what `backup drill` proves.
    """
    here = ground(config_path)
    clock = SystemClock()
    name = chosen(here.catalog, backup_id, server or here.server)
    with (
        interruptible() as is_halted,
        shown("verify", as_json=as_json) as show,
        here.journal.locked(),
        begun("verify", here.journal, clock, show, is_halted, server=name.server, backup_id=name.backup_id) as job,
    ):
        manifest = here.catalog.manifest(name)
        try:
            told = read_back(
                here.bucket,
                here.backup.prefix,
                name,
                manifest,
                by=here.identity.instance_id,
                clock=clock,
                show=job.show,
                is_halted=is_halted,
            )
        except AgentError as error:
            if is_damage(error):
                _keep_older(here, name.server, clock.now())
            raise
        job.end(job.outcome(is_verified=True))
    if as_json:
        print_json(
            {
                "backup_id": name.backup_id,
                "server": name.server,
                "is_verified": True,
                "verified_at": told.verified_at,
                "sha256": told.sha256,
                "frames": told.frames,
                "size_bytes": manifest.dump.size_bytes,
                "raw_bytes": told.raw_bytes,
            }
        )
    else:
        sizes = f"{format_bytes(manifest.dump.size_bytes)}, {format_bytes(told.raw_bytes)} of SQL"
        click.echo(f"backup {name.backup_id} is whole: {counted(told.frames, 'frame')}, {sizes}, SHA-256 {told.sha256}")
    return 0


def _keep_older(here: Ground, server: str, now: float) -> None:
    """What the damaged one made needless is needed."""
    remark = keep_needed(
        here.bucket, here.catalog, here.backup.prefix, server, keep_at_least=here.backup.keep_at_least, now=now
    )
    if remark:
        click.echo(printable(f"warning: {remark}"), err=True)
