"""``vawsum-agent backup restore``: a backup, or a part of it, into a server or onto stdout."""

from __future__ import annotations

import random
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vawsum_agent.backup.names import DUMP, BackupName
from vawsum_agent.backup.restore.option_file import look_at
from vawsum_agent.backup.restore.plan import selected
from vawsum_agent.backup.restore.run import Means, Request, Restored
from vawsum_agent.backup.restore.run import restore as restore_into
from vawsum_agent.backup.restore.source import Source, Waiting
from vawsum_agent.backup.restore.target import look
from vawsum_agent.backup.restore.text import sql_of
from vawsum_agent.backup.restore.unfinished import unfinished
from vawsum_agent.backup.server.programs import find_shell
from vawsum_agent.cli.backup_options import Ground, chosen, ground
from vawsum_agent.cli.backup_progress import interruptible, shown
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.restore.option_file import OptionFile
    from vawsum_agent.backup.restore.plan import Selection
    from vawsum_agent.backup.restore.report import Row
    from vawsum_agent.cli.backup_progress import Show

_JOBS = 2
_LINE_EVERY_S = 10.0
_MOST_ROWS = 40


@click.command(
    epilog=examples(
        "backup restore --table shop.orders --into /root/production.cnf --force",
        "backup restore --database shop --into /root/replica.cnf",
        "backup restore --backup 20260131T183000Z --jobs 4 --into /root/new-server.cnf",
        "backup restore --into /root/new-server.cnf --resume",
        "backup restore --table shop.orders --stdout | less",
    )
)
@config_option
@json_option
@click.option("--backup", "backup_id", default="latest", show_default=True, metavar="ID", help="Which one.")
@click.option("--server", metavar="NAME", help="A backup of this data. Without it of this host's.")
@click.option("--database", default="", metavar="D", help="Only this database.")
@click.option("--table", default="", metavar="D.T", help="Only this table, with its triggers.")
@click.option("--jobs", type=click.IntRange(1, 64), default=_JOBS, show_default=True, help="Tables at once.")
@click.option("--into", metavar="FILE", help="An option file, mode 0600: its [client] says into which server.")
@click.option("--stdout", "is_text", is_flag=True, help="Print SQL instead.")
@click.option("--force", is_flag=True, help="Drop and restore what is there; try another product or an older series.")
@click.option("--resume", is_flag=True, help="Go on with a restore that was broken off.")
@click.option("--no-grants", is_flag=True, help="Leave users, roles and grants out.")
@click.option("--no-binlog", is_flag=True, help="Keep it out of the server's binary log, and so from its replicas.")
def restore(  # noqa: PLR0913 - an option each
    config_path: Path,
    *,
    as_json: bool,
    backup_id: str,
    server: str | None,
    database: str,
    table: str,
    jobs: int,
    into: str | None,
    is_text: bool,
    force: bool,
    resume: bool,
    no_grants: bool,
    no_binlog: bool,
) -> int:
    """Restore a backup into the server that an option file names, tables in parallel; then count every row.

    A server that has any of it already is left alone unless --force is given; then the tables of the backup are dropped
    and made anew, one by one, and everything else stays. Users and grants come with a whole backup, but never those of
    the account that restores; one that is there with another password counts as overwritten, too. A restore that was
    broken off, by Ctrl-C, kill or a lost server, goes on with --resume.

    Exit code 0 says that the server has what the backup holds: tables, rows, views, routines, triggers and events.
    1: it failed or was ended, or something differs.
    """
    if (into is None) != is_text:
        raise UsageError("give one of --into FILE and --stdout", hint="--into names an option file with [client]")
    if is_text and (as_json or force or resume):
        raise UsageError("--stdout goes with neither --json nor --force nor --resume", hint="leave these out")
    option_file = look_at(into) if into is not None else None
    here = ground(config_path)
    name = None
    if option_file is not None and resume and backup_id == "latest":
        name = _begun(here, option_file, server or here.server, database, table)
    name = name or chosen(here.catalog, backup_id, server or here.server)
    manifest = here.catalog.manifest(name)
    selection = selected(manifest, database, table)
    if option_file is None:
        return _print_sql(here, name, manifest, selection)
    with (
        option_file.readable() as (path, descriptors),
        interruptible() as is_halted,
        _told(as_json=as_json) as show,
    ):
        request = Request(
            name=name,
            manifest=manifest,
            selection=selection,
            option_file=path,
            descriptors=descriptors,
            jobs=jobs,
            is_forced=force,
            is_resumed=resume,
            has_grants=not no_grants,
            is_logged=not no_binlog,
        )
        means = Means(
            bucket=here.bucket,
            prefix=here.backup.prefix,
            find_shell=find_shell,
            clock=SystemClock(),
            dice=random.random,
            is_halted=is_halted,
            show=show,
            tell=lambda line: click.echo(printable(line), err=True),
        )
        restored = restore_into(request, means, here.journal)
    if as_json:
        print_json(_document(name, restored))
    else:
        _print(name, restored)
    return int(bool(restored.report.differences))


def _begun(here: Ground, option_file: OptionFile, server: str, database: str, table: str) -> BackupName | None:
    """Find the backup whose restore was broken off: a newer one may have been made since."""
    with option_file.readable() as (path, _):
        return unfinished(
            here.journal.folder,
            server,
            database,
            table,
            lambda: look(path).identity,
            here.catalog.manifest,
        )


def _print_sql(here: Ground, name: BackupName, manifest: Manifest, selection: Selection) -> int:
    """Print it; a reader that leaves is no failure."""
    waiting = Waiting(SystemClock(), time.sleep, random.random)
    source = Source(here.bucket, name.key(here.backup.prefix, DUMP), manifest.dump, waiting)
    for block in sql_of(manifest, selection, source):
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
    return 0


@contextmanager
def _told(*, as_json: bool) -> Iterator[Show]:
    """Show a bar where somebody looks, a line now and then where not."""
    with shown("restore", as_json=as_json) as bar:
        if as_json or sys.stderr.isatty():
            yield bar
        else:
            yield lines(time.monotonic, lambda line: click.echo(line, err=True))


def lines(clock: Callable[[], float], tell: Callable[[str], None]) -> Show:
    """Tell how far a restore is, with its rate and the time left, at most every ten seconds."""
    began = told_at = clock()
    first_bytes: int | None = None

    def show(phase: str, done_bytes: int, total_bytes: int | None) -> None:
        nonlocal told_at, first_bytes
        if first_bytes is None:
            first_bytes = done_bytes
        now = clock()
        if now - told_at < _LINE_EVERY_S:
            return
        told_at = now
        rate = (done_bytes - first_bytes) / (now - began)
        line = f"{phase}: {format_bytes(done_bytes)}"
        if total_bytes:
            line += f" of {format_bytes(total_bytes)}"
        line += f", {format_bytes(int(rate))}/s"
        if total_bytes and rate > 0:
            line += f", {format_duration((total_bytes - done_bytes) / rate)} left"
        tell(line)

    return show


def _document(name: BackupName, restored: Restored) -> dict[str, object]:
    target = restored.target
    return {
        "backup_id": name.backup_id,
        "server": name.server,
        "selection": str(restored.plan.selection),
        "target": {"version": target.version, "host": target.host, "where": target.where, "account": target.account},
        "is_same": not restored.report.differences,
        "differences": list(restored.report.differences),
        "remarks": list(restored.report.remarks),
        "load_s": round(restored.load_s, 3),
        "total_s": round(restored.total_s, 3),
        "raw_bytes": restored.loaded_bytes,
        "bytes_per_s": round(restored.loaded_bytes / restored.load_s) if restored.load_s else None,
        "tables": [
            {
                "database": row.database,
                "table": row.name,
                "rows": row.found,
                "expected_rows": row.expected,
                "is_in_snapshot": row.is_in_snapshot,
            }
            for row in restored.report.rows
        ],
    }


def _print(name: BackupName, restored: Restored) -> None:
    rows = restored.report.rows
    click.echo(printable(f"restored {restored.plan.selection} of backup {name.backup_id} of {name.server}"))
    for row in rows if len(rows) <= _MOST_ROWS else [row for row in rows if not row.is_same]:
        click.echo(_line(row))
    total = sum(row.found or 0 for row in rows)
    click.echo(f"  {counted(len(rows), 'table')}, {total:,} rows counted")
    rate = format_bytes(int(restored.loaded_bytes / restored.load_s)) if restored.load_s else "-"
    size = format_bytes(restored.loaded_bytes)
    click.echo(f"  {size} of SQL in {format_duration(restored.total_s)} ({rate}/s)")
    loose = [row for row in rows if not row.is_in_snapshot]
    if loose:
        click.echo(f"  {counted(len(loose), 'table')} without transactions may be of another moment than the others")
    for difference in restored.report.differences:
        click.echo(f"  ! {difference}")
    for remark in restored.report.remarks:
        click.echo(f"  - {remark}")


def _line(row: Row) -> str:
    found = "-" if row.found is None else f"{row.found:,}"
    mark = "" if row.is_same else "  !"
    expected = "" if row.is_same or row.expected is None else f" of {row.expected:,}"
    loose = "" if row.is_in_snapshot else "  not in the snapshot"
    return f"  {printable(f'{row.database}.{row.name}'):<40} {found:>14} rows{expected}{loose}{mark}"
