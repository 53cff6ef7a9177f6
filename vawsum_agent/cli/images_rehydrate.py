"""``vawsum-agent images rehydrate``: brings images back from the bucket."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress

from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.aws.objects import ObjectStore
from vawsum_agent.cli.images_folders import as_owner, chosen, size
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.core.errors import AgentError, UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.log_output import silence
from vawsum_agent.daemon.session import open_session
from vawsum_agent.images.rehydrate import Outcome, bring_back, objects_of

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder

_JOBS = 8


@dataclass(slots=True)
class _Result:
    brought_back: int = 0
    brought_back_bytes: int = 0
    already_here: int = 0
    errors: list[str] = field(default_factory=list)


@click.command(
    epilog=examples(
        "images rehydrate /var/www/app/shared/uploads/2026/a.jpg",
        "images rehydrate --dry-run /var/www/app/shared/uploads/2026",
        "images rehydrate /var/www/app/shared/uploads --jobs 16",
    )
)
@config_option
@json_option
@click.option("--jobs", type=click.IntRange(1, 64), default=_JOBS, show_default=True, help="Downloads at once.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be brought back.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
def rehydrate(config_path: Path, *, as_json: bool, jobs: int, dry_run: bool, paths: tuple[str, ...]) -> int:
    """Bring images back from S3 to where they were, each verified by its checksum.

    PATH is an image, or a folder for all below it, in one of the configured folders. What is there already is left as
    it is; the objects stay. Files that come back move again when they are `min_age` old: set `delete_local = false`
    first, or take the folder out of the configuration, if they are to stay. Exit code 1 when one did not come back.
    """
    silence()
    config = load(config_path).config
    wanted = [_place(chosen(config, config_path, ()), path) for path in paths]
    session = open_session(config.agent, Host(InstanceMetadata()))
    session.credentials()  # while we are who we are: an owner can't read root's ~/.aws
    found = []
    for folder, relative in wanted:
        store = ObjectStore(session, folder.bucket)
        rows = objects_of(folder, store, relative)
        if not rows:
            message = f"nothing is in s3://{folder.bucket} for {printable(relative or folder.path)}"
            raise UsageError(message, hint=f"keys begin with {folder.prefix!r}")
        found.append((folder, store, rows))
    total = _Result()
    if not dry_run:
        for folder, store, rows in found:
            with as_owner(folder):
                _bring_back(folder, store, rows, jobs, total, is_shown=not as_json)
    count = sum(len(rows) for _, _, rows in found)
    size_bytes = sum(size_bytes for _, _, rows in found for _, size_bytes in rows)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "found_count": count,
                "found_bytes": size_bytes,
                "brought_back_count": total.brought_back,
                "brought_back_bytes": total.brought_back_bytes,
                "already_here_count": total.already_here,
                "errors": total.errors,
            }
        )
    elif dry_run:
        click.echo(f"would bring back {size(count, size_bytes)}, unless they are here")
    else:
        already = f"; {total.already_here:,} were here already" if total.already_here else ""
        click.echo(f"brought back {size(total.brought_back, total.brought_back_bytes)}{already}")
    for error in total.errors:
        click.echo(printable(f"error: {error}"), err=True)
    return int(bool(total.errors))


def _place(folders: list[ImagesFolder], path: str) -> tuple[ImagesFolder, str]:
    """Find the folder that a path lies in. Raises UsageError."""
    whole = os.path.abspath(path)  # noqa: PTH100 - a Path would follow links, or keep the dots
    for folder in folders:
        if whole == folder.path or whole.startswith(folder.path + "/"):
            return folder, whole[len(folder.path) + 1 :]
    message = f"{printable(path)} lies in no configured folder"
    raise UsageError(message, hint=f"they are {', '.join(folder.path for folder in folders)}")


def _bring_back(
    folder: ImagesFolder,
    store: ObjectStore,
    rows: list[tuple[str, int]],
    jobs: int,
    total: _Result,
    *,
    is_shown: bool,
) -> None:
    console = Console(stderr=True)
    with (
        Progress(console=console, disable=not (is_shown and console.is_terminal), transient=True) as progress,
        ThreadPoolExecutor(jobs) as pool,
    ):
        task = progress.add_task(folder.name, total=len(rows))
        futures = {pool.submit(bring_back, folder, store, path): size_bytes for path, size_bytes in rows}
        for future in as_completed(futures):
            progress.advance(task)
            try:
                outcome = future.result()
            except AgentError as error:
                total.errors.append(str(error))
                continue
            if outcome is Outcome.ALREADY_HERE:
                total.already_here += 1
            else:
                total.brought_back += 1
                total.brought_back_bytes += futures[future]
