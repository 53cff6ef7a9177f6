"""``vawsum-agent backup run``: one backup now, while somebody watches, or for the daemon's schedule."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from vawsum_agent import __version__
from vawsum_agent.backup.publish.follow_up import FollowUp
from vawsum_agent.backup.publish.make import Maker
from vawsum_agent.backup.publish.right import LeasedRight
from vawsum_agent.backup.publish.run import BackupRun, Means
from vawsum_agent.backup.publish.source import OptionFileSource
from vawsum_agent.backup.publish.verify import verify
from vawsum_agent.backup.upload.writer import ObjectWriter
from vawsum_agent.cli.backup_options import Ground, ground, slot_option
from vawsum_agent.cli.backup_progress import Show, interruptible, shown
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock, rfc3339
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.backup.journal import Outcome
    from vawsum_agent.backup.manifest import Manifest


@click.command(epilog=examples("backup run", "backup run --no-verify", "backup run --json"))
@config_option
@json_option
@click.option("--no-verify", is_flag=True, help="Don't read it back from S3 afterwards; nothing expires through it.")
@slot_option
def run(config_path: Path, *, as_json: bool, no_verify: bool, slot: float | None) -> int:
    """Back up now: dump, compress, upload, check, publish; then read it back and mark what may expire.

    One consistent snapshot of the databases that [backup] names, streamed to S3 without a temporary file. It is a
    backup only when the dump is proven whole; else nothing is published, older backups stay as they are, and the exit
    code is 1. Exit code 75: another backup runs, here or on another host of the same data.
    """
    here = ground(config_path)
    clock = SystemClock()
    with interruptible() as is_halted, shown("backup", as_json=as_json) as show:
        means = _means(here, clock, show, is_halted, is_verified=not no_verify)
        outcome, manifest = BackupRun(means, here.backup.prefix, here.server, slot).run()
    if as_json:
        print_json(_document(here, outcome, manifest, is_verified=not no_verify))
    else:
        _print(here, outcome, manifest, is_verified=not no_verify)
    return 0


def _means(here: Ground, clock: SystemClock, show: Show, is_halted: Callable[[], bool], *, is_verified: bool) -> Means:
    by = here.identity.instance_id
    checked = partial(verify, here.bucket, here.backup.prefix, by=by, clock=clock, show=show, is_halted=is_halted)
    return Means(
        maker=Maker(
            source=OptionFileSource(here.backup.defaults_file, here.backup.databases),
            prefix=here.backup.prefix,
            writer=lambda key, content_type, estimated_bytes: ObjectWriter(
                here.bucket, key, content_type, clock=clock, estimated_bytes=estimated_bytes, is_halted=is_halted
            ),
            clock=clock,
            identity=here.identity,
            agent_version=__version__,
        ),
        bucket=here.bucket,
        catalog=here.catalog,
        right=LeasedRight(here.bucket, here.backup.prefix, here.server, by, here.journal.folder, clock),
        journal=here.journal,
        clock=clock,
        follow_up=FollowUp(
            verify=checked if is_verified else None,
            bucket=here.bucket,
            catalog=here.catalog,
            prefix=here.backup.prefix,
            keep_at_least=here.backup.keep_at_least,
            clock=clock,
        ),
        show=show,
        is_halted=is_halted,
    )


def _document(here: Ground, outcome: Outcome, manifest: Manifest | None, *, is_verified: bool) -> dict[str, object]:
    document: dict[str, object] = {
        "backup_id": outcome.backup_id or None,
        "server": outcome.server,
        "is_skipped": outcome.is_skipped,
        "started_at": rfc3339(outcome.started_at),
        "ended_at": rfc3339(outcome.ended_at),
        "duration_s": round(outcome.ended_at - outcome.started_at, 3),
    }
    if manifest is None:
        return document
    return document | {
        "location": f"s3://{here.backup.bucket}/{here.backup.prefix}{outcome.server}/{outcome.backup_id}/",
        "size_bytes": outcome.size_bytes,
        "raw_bytes": outcome.raw_bytes,
        "dump_s": manifest.duration_s,
        "tables": len(manifest.tables()),
        "rows": sum(frame.rows or 0 for frame in manifest.tables()),
        "accounts": manifest.account_count,
        "sha256": manifest.dump.sha256,
        "binlog": None if manifest.binlog is None else f"{manifest.binlog.file}:{manifest.binlog.position}",
        "is_verified": is_verified,
        "flags": outcome.flags,
    }


def _print(here: Ground, outcome: Outcome, manifest: Manifest | None, *, is_verified: bool) -> None:
    if manifest is None:
        click.echo(f"another host has made the backup of {printable(outcome.server)} for this moment: nothing to do")
        return
    rows = sum(frame.rows or 0 for frame in manifest.tables())
    folder = f"s3://{here.backup.bucket}/{here.backup.prefix}{outcome.server}/{outcome.backup_id}/"
    click.echo(f"backup {outcome.backup_id} of {printable(outcome.server)}: {printable(folder)}")
    click.echo(f"  {format_bytes(outcome.raw_bytes)} of SQL, {format_bytes(outcome.size_bytes)} compressed")
    click.echo(
        f"  {counted(len(manifest.tables()), 'table')}, {rows:,} rows, {counted(manifest.account_count, 'account')}"
    )
    click.echo(
        f"  dumped in {format_duration(round(manifest.duration_s, 1))}" + (", read back whole" if is_verified else "")
    )
    loose = [frame for frame in manifest.tables() if not frame.is_in_snapshot]
    if loose:
        names = ", ".join(f"{frame.database}.{frame.name}" for frame in loose[:3])
        what = f"  not in the snapshot: {counted(len(loose), 'table')} without transactions ({printable(names)}"
        click.echo(what + (", …)" if len(loose) > 3 else ")"))  # noqa: PLR2004 - as many as are named
    for flag in outcome.flags:
        click.echo(f"  ! {printable(flag)}")
