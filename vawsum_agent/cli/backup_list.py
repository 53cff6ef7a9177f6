"""``vawsum-agent backup list``: what exists, what is proven, what goes when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from vawsum_agent.backup.publish.retention import removed_at
from vawsum_agent.cli.backup_options import Ground, ground
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.errors import BackupError, NotFound, Rejected
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes, format_duration

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.publish.catalog import Found, Published
    from vawsum_agent.core.errors import AgentError

_MOST_PROBLEMS = 3
_WIDE = 200
"""Columns where nobody's terminal says how many there are: a line a backup."""


@click.command("list", epilog=examples("backup list", "backup list --all", "backup list --json"))
@config_option
@json_option
@click.option("--server", metavar="NAME", help="Those of this data. Without it those of this host's.")
@click.option("--all", "all_servers", is_flag=True, help="Those of all data under the prefix.")
def list_backups(config_path: Path, *, as_json: bool, server: str | None, all_servers: bool) -> int:
    """Show the backups that exist, the newest last: how large, whether verified and drilled, and when they expire.

    A backup exists once its manifest is written. It is `verified` when every byte was read back from S3 and every
    checksum held, and `drilled` when it was restored into a scratch server.
    """
    here = ground(config_path)
    found = here.catalog.found(None if all_servers else server or here.server)
    rows, unreadable = _read(here, [each for each in found if each.is_published])
    unfinished = [each.name for each in found if not each.is_published]
    if as_json:
        documents = [_document(here, published, is_expiring=is_expiring) for published, is_expiring in rows]
        incomplete = [{"server": name.server, "backup_id": name.backup_id} for name in unfinished]
        damaged = [
            {"server": name.server, "backup_id": name.backup_id, "error": error.message} for name, error in unreadable
        ]
        print_json({"backups": documents, "unfinished": incomplete, "unreadable": damaged})
        return 0
    _print(here, rows)
    for name, error in unreadable:
        click.echo(printable(f"! {name.backup_id} of {name.server}: {error.message} ({error.hint})"))
    if unfinished:
        ids = ", ".join(name.backup_id for name in unfinished[-3:])
        click.echo(f"{counted(len(unfinished), 'folder')} without a manifest, which is no backup: {ids}")
    return 0


def _read(here: Ground, found: list[Found]) -> tuple[list[tuple[Published, bool]], list[tuple[BackupName, AgentError]]]:
    """Read what is known of each; one that can't be read, or that the bucket removes meanwhile, hides no other."""
    rows: list[tuple[Published, bool]] = []
    unreadable: list[tuple[BackupName, AgentError]] = []
    for each in found:
        try:
            rows.append((here.catalog.published(each), here.catalog.is_expiring(each.name)))
        except (BackupError, NotFound, Rejected) as error:
            unreadable.append((each.name, error))
    return rows, unreadable


def expires_at(here: Ground, published: Published, *, is_expiring: bool) -> float | None:
    """Tell when the bucket removes it; None while it is kept."""
    if not is_expiring:
        return None
    finished_at = datetime.fromisoformat(published.manifest.finished_at).timestamp()
    return removed_at(finished_at, here.backup.retention_days)


def _document(here: Ground, published: Published, *, is_expiring: bool) -> dict[str, object]:
    told, verified, drilled = published.manifest, published.verified, published.drilled
    at = expires_at(here, published, is_expiring=is_expiring)
    return {
        "backup_id": published.name.backup_id,
        "server": published.name.server,
        "started_at": told.started_at,
        "finished_at": told.finished_at,
        "duration_s": told.duration_s,
        "size_bytes": told.dump.size_bytes + told.grants.size_bytes,
        "raw_bytes": told.dump.raw_bytes,
        "tables": len(told.tables()),
        "rows": sum(frame.rows or 0 for frame in told.tables()),
        "host": told.host,
        "server_version": told.server_version,
        "binlog": None if told.binlog is None else {"file": told.binlog.file, "position": told.binlog.position},
        "is_verified": verified is not None,
        "verified_at": None if verified is None else verified.verified_at,
        "damage": list(published.damage),
        "is_drilled": drilled is not None and not drilled.problems,
        "drilled_at": None if drilled is None else drilled.drilled_at,
        "restore_s": None if drilled is None else drilled.restore_s,
        "expires_at": None if at is None else rfc3339(at),
        "flags": told.flags,
        "location": f"s3://{here.backup.bucket}/{published.name.folder(here.backup.prefix)}",
    }


def _print(here: Ground, rows: list[tuple[Published, bool]]) -> None:
    if not rows:
        click.echo("no backups yet: `vawsum-agent backup run` makes one")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("ID", "server", "size", "of SQL", "took", "verified", "drilled", "expires"):
        table.add_column(heading, no_wrap=True, justify="right" if heading in {"size", "of SQL", "took"} else "left")
    for published, is_expiring in rows:
        told = published.manifest
        at = expires_at(here, published, is_expiring=is_expiring)
        table.add_row(
            published.name.backup_id,
            printable(published.name.server),
            format_bytes(told.dump.size_bytes),
            format_bytes(told.dump.raw_bytes),
            format_duration(round(told.duration_s, 1)),
            "DAMAGED" if published.damage else "yes" if published.verified is not None else "no",
            _drilled(published),
            "kept" if at is None else rfc3339(at)[:10],
        )
    console = Console(highlight=False)
    Console(highlight=False, width=None if console.is_terminal else _WIDE).print(table)
    for published, _ in rows:
        for remark in _remarks(published):
            click.echo(f"! {published.name.backup_id}: {printable(remark)}")


def _drilled(published: Published) -> str:
    if published.drilled is None:
        return "no"
    if published.drilled.problems:
        return "FAILED"
    return f"in {format_duration(round(published.drilled.restore_s, 1))}"


def _remarks(published: Published) -> list[str]:
    problems = published.drilled.problems if published.drilled is not None else []
    return [
        *published.damage,
        *published.manifest.flags,
        *(f"the drill: {problem}" for problem in problems[:_MOST_PROBLEMS]),
    ]
