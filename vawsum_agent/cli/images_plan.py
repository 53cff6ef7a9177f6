"""``vawsum-agent images plan``: what would move, and what would not and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from vawsum_agent.cli.images_folders import (
    as_owner,
    chosen,
    folder_option,
    refusal_lines,
    scan_row,
    shown_path,
    size,
)
from vawsum_agent.cli.options import config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.units import format_bytes
from vawsum_agent.images.plan import plan as plan_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.find.scan import Scan

_SHOWN_EVERY = 1_000


@click.command(epilog=examples("images plan", "images plan --folder app", "images plan --json"))
@config_option
@json_option
@folder_option
def plan(config_path: Path, *, as_json: bool, names: tuple[str, ...]) -> int:
    """Tell what would move now: how many files, how much, the largest; and what is left alone and why.

    Reads the folders, asks nothing of AWS and changes nothing. The beginning of each file is looked at; code hidden
    further back, and pictures whose name is taken in the bucket already, are found when they move. As root it works
    with the rights of the folder's owner.
    """
    found: list[tuple[ImagesFolder, Scan]] = []
    for folder in chosen(load(config_path).config, config_path, names):
        with as_owner(folder):
            found.append((folder, plan_folder(folder, SystemClock(), _progress(folder.name))))
        if sys.stderr.isatty():
            click.echo("\r\033[K", nl=False, err=True)
    if as_json:
        print_json({"folders": [scan_row(folder, scanned) for folder, scanned in found]})
    else:
        for folder, scanned in found:
            _print(folder, scanned)
    return 0


def _print(folder: ImagesFolder, found: Scan) -> None:
    verb = "would move" if folder.delete_local else "would copy"
    click.echo(f"{folder.name}: {folder.path} -> s3://{folder.bucket}/{folder.prefix}")
    click.echo(f"  {verb}   {size(found.due_count, found.due_bytes)}")
    if found.due_count:
        click.echo(f"  largest      {format_bytes(found.largest[0])}, {shown_path(found.largest[1])}")
    if found.young_count:
        click.echo(f"  too young    {size(found.young_count, found.young_bytes)}")
    for line in refusal_lines(found.refusals):
        click.echo(line)


def _progress(name: str) -> Callable[[], None]:
    """Show how many files were looked into, where somebody looks."""
    looked_at = 0

    def one_more() -> None:
        nonlocal looked_at
        looked_at += 1
        if looked_at % _SHOWN_EVERY == 0 and sys.stderr.isatty():
            click.echo(f"\r\033[K{name}: {looked_at:,} files looked at", nl=False, err=True)

    return one_more
