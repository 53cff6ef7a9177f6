"""``vawsum-agent backup drill``: does the backup restore, and how long does that take?"""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vawsum_agent.backup.drill.drill import Drill, DrillFailed, Settings
from vawsum_agent.backup.drill.place import directory_of
from vawsum_agent.backup.drill.record import run_recorded
from vawsum_agent.backup.drill.restoring import WholeRestorer
from vawsum_agent.cli.backup_options import Ground, chosen, ground, slot_option
from vawsum_agent.cli.backup_progress import interruptible, shown
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes, format_duration

if TYPE_CHECKING:
    from vawsum_agent.backup.drill.drill import Result

_JOBS = 2
_CONTENTS = ("views", "routines", "triggers", "events")


@click.command(epilog=examples("backup drill", "backup drill --backup 20260131T183000Z --keep", "backup drill --json"))
@config_option
@json_option
@click.option("--backup", "backup_id", default="latest", show_default=True, metavar="ID", help="Which one.")
@click.option("--server", metavar="NAME", help="A backup of this data. Without it of this host's.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Tables at once; as [backup.drill] says without it.")
@click.option("--keep", is_flag=True, help="Leave the scratch server running, to be looked at, until the next drill.")
@slot_option
def drill(
    config_path: Path,
    *,
    as_json: bool,
    backup_id: str,
    server: str | None,
    jobs: int | None,
    keep: bool,
    slot: float | None,
) -> int:
    """Restore a backup into a private scratch server, count and check all of it, and measure how long that took.

    The scratch server lives in a folder of its own, is reached by one socket in it, and is thrown away. The server that
    was backed up is never touched. It needs the server programs of the same product, and disk for all the data; where
    that would not do, nothing is begun. What is found is written beside the backup. Exit code 1: it does not restore as
    it was, or no drill could be held.
    """
    here = ground(config_path)
    clock = SystemClock()
    server = server or here.server
    held = Drill(
        here.bucket,
        here.backup.prefix,
        here.catalog,
        WholeRestorer(here.bucket, here.backup.prefix, clock, random.random),
        _settings(here, jobs, is_kept=keep),
        clock,
    )
    try:
        with interruptible() as is_halted, shown("drill", as_json=as_json) as show:
            result = run_recorded(
                held,
                lambda: chosen(here.catalog, backup_id, server),
                here.journal,
                clock,
                server=server,
                slot=slot,
                show=show,
                is_halted=is_halted,
            )
    except DrillFailed as failed:
        if as_json:
            print_json(_document(failed.result))
        raise
    if as_json:
        print_json(_document(result))
    else:
        _print(result)
    return 0


def _settings(here: Ground, jobs: int | None, *, is_kept: bool) -> Settings:
    configured = here.backup.drill.jobs if here.backup.drill is not None else _JOBS
    return Settings(
        directory=directory_of(here.backup, here.config.agent.state_dir),
        short=Path(here.config.agent.runtime_dir),
        jobs=jobs or configured,
        by=here.identity.instance_id,
        is_kept=is_kept,
    )


def _document(result: Result) -> dict[str, object]:
    found, manifest = result.findings, result.manifest
    return {
        "backup_id": result.backup.backup_id,
        "server": result.backup.server,
        "is_proven": not found.problems,
        "restore_s": round(found.restore_s, 3),
        "total_s": round(result.total_s, 3),
        "tables": found.tables,
        "rows": found.rows,
        "accounts": found.accounts,
        **{kind: _sum(result, kind) for kind in _CONTENTS},
        "raw_bytes": manifest.dump.raw_bytes,
        "size_bytes": manifest.dump.size_bytes,
        "server_version": found.server_version,
        "problems": list(found.problems),
        "remarks": list(found.remarks),
        "command": result.command or None,
    }


def _print(result: Result) -> None:
    found, dump = result.findings, result.manifest.dump
    click.echo(printable(f"backup {result.backup.backup_id} of {result.backup.server} restores"))
    click.echo(f"  {format_bytes(dump.raw_bytes)} of SQL into {printable(found.server_version)}")
    click.echo(f"  {counted(found.tables, 'table')}, {found.rows:,} rows: counted, checked, as in the manifest")
    parts = [counted(_sum(result, kind), kind.removesuffix("s")) for kind in _CONTENTS]
    click.echo(f"  {', '.join(parts)}, {counted(found.accounts, 'account')}")
    click.echo(f"  RTO: {format_duration(round(found.restore_s, 1))}, from nothing to the last answer")
    for remark in found.remarks:
        click.echo(f"  - {printable(remark)}")
    if result.command:
        click.echo("  the scratch server runs until the next drill:")
        click.echo(f"    {result.command}")


def _sum(result: Result, kind: str) -> int:
    return sum(getattr(database, kind) for database in result.findings.databases)
