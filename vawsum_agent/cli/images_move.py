"""``vawsum-agent images move``: moves the backlog now, while somebody watches."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.aws.objects import ObjectStore
from vawsum_agent.cli.failure import INTERRUPTED
from vawsum_agent.cli.images_folders import as_owner, chosen, folder_option, refusal_lines, refusal_rows, size
from vawsum_agent.cli.images_plan import plan
from vawsum_agent.cli.options import Size, config_option, examples, json_option, print_json
from vawsum_agent.config.load import load
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.text import printable
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.log_output import silence
from vawsum_agent.daemon.session import open_session
from vawsum_agent.images.beneath import open_root
from vawsum_agent.images.inspect.rules import rules_of
from vawsum_agent.images.move.bandwidth import Bandwidth, LimitedUploader
from vawsum_agent.images.move.crew import Crew
from vawsum_agent.images.move.mover import Mover
from vawsum_agent.images.remove.choose import choose
from vawsum_agent.images.sweep import Sweep
from vawsum_agent.images.upload.send import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import Config, ImagesFolder
    from vawsum_agent.images.move.mover import Uploader
    from vawsum_agent.images.sweep import Swept

_JOBS = 8
_MOST_PROCESSES = 4
"""One a core; each takes 50 MB, most of it shared."""

_LOOK_UP_EVERY_S = 0.1
_CURSOR_ON = "\x1b[?25h\n"


@click.command(
    epilog=examples(
        "images move --dry-run",
        "images move",
        "images move --folder app --jobs 16",
        "images move --bandwidth 10MiB --json",
    )
)
@config_option
@json_option
@folder_option
@click.option("--jobs", type=click.IntRange(1, 64), default=_JOBS, show_default=True, help="Uploads at once.")
@click.option("--bandwidth", type=Size(), metavar="SIZE", help="No more than this much a second, such as 10MiB.")
@click.option("--dry-run", is_flag=True, help="Only tell what would move: the same as `images plan`.")
@click.pass_context
def move(
    ctx: click.Context,
    config_path: Path,
    *,
    as_json: bool,
    names: tuple[str, ...],
    jobs: int,
    bandwidth: int | None,
    dry_run: bool,
) -> int:
    """Move everything that may move, now: the backlog of years, before the daemon keeps up with what comes.

    Run it as root, which works with the rights of the folder's owner, or as that owner. It works beside the daemon.
    Ctrl-C ends it after the files under way; called again it goes on. Exit code 1 when something that should have moved
    did not.
    """
    if dry_run:
        return int(ctx.invoke(plan, config_path=config_path, as_json=as_json, names=names))
    silence()
    config = load(config_path).config
    folders = chosen(config, config_path, names)
    count = min(jobs, len(os.sched_getaffinity(0)), _MOST_PROCESSES)
    results = []
    with _interruptible() as is_halted:
        for folder in folders:
            made = partial(_opened, config, folder, bandwidth and bandwidth // count)
            with Crew(made, count) as crew, as_owner(folder), _shown(folder, as_json=as_json) as show:
                sweep = Sweep(
                    folder, crew, choose(folder), SystemClock(), jobs=jobs, is_halted=is_halted, on_progress=show
                )
                results.append((folder, sweep.run()))
        was_interrupted = is_halted()
    if as_json:
        print_json({"folders": [_row(folder, swept) for folder, swept in results]})
    else:
        for folder, swept in results:
            _print(folder, swept)
    for folder, swept in results:
        if swept.error is not None:
            click.echo(printable(f"error: {folder.name}: {swept.error}"), err=True)
    if was_interrupted:
        return INTERRUPTED
    return int(any(swept.error is not None or swept.left_count for _, swept in results))


@contextmanager
def _opened(
    config: Config, folder: ImagesFolder, bandwidth: int | None, is_halted: Callable[[], bool]
) -> Iterator[Mover]:
    """Give what moves the files of a folder, in a process of its own."""
    session = open_session(config.agent, Host(InstanceMetadata()))
    session.credentials()  # while we are who we are: an owner can't read root's ~/.aws
    uploader = _uploader(config, folder, session, bandwidth, is_halted)
    with as_owner(folder):
        root = open_root(folder.path)
        try:
            yield Mover(folder, root, rules_of(folder, root), uploader, choose(folder), SystemClock())
        finally:
            os.close(root)


def _uploader(
    config: Config, folder: ImagesFolder, session: AwsSession, bandwidth: int | None, is_halted: Callable[[], bool]
) -> Uploader:
    identity = Host(InstanceMetadata()).identity(config.agent)
    sender = Sender(ObjectStore(session, folder.bucket), identity.instance_id)
    if bandwidth is None:
        return sender

    def nap(seconds: float) -> None:
        """Wait for one's turn; who is to end does not."""
        ends_at = time.monotonic() + seconds
        while not is_halted() and (left_s := ends_at - time.monotonic()) > 0:
            time.sleep(min(left_s, _LOOK_UP_EVERY_S))

    return LimitedUploader(sender, Bandwidth(bandwidth, SystemClock(), nap))


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Take Ctrl-C and SIGTERM for a wish to end after the files under way; a second one ends at once."""
    signals: list[int] = []

    def note(number: int, _: object) -> None:
        if signals:
            # No thread is waited for: whatever is under way is as after a crash, which loses nothing.
            if sys.stderr.isatty():
                sys.stderr.write(_CURSOR_ON)
                sys.stderr.flush()
            os._exit(INTERRUPTED)
        signals.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _shown(folder: ImagesFolder, *, as_json: bool) -> Iterator[Callable[[Swept], None]]:
    """Show a bar with rate and time left, where somebody looks."""
    console = Console(stderr=True)
    is_shown = console.is_terminal and not as_json
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not is_shown, transient=True) as progress:
        task = progress.add_task(folder.name, total=None, count="looking at the folder")

        def show(swept: Swept) -> None:
            done = swept.totals.moved_count + swept.totals.copied_count
            progress.update(
                task,
                total=swept.found.due_bytes,
                completed=swept.totals.moved_bytes + swept.totals.copied_bytes,
                count=f"{done:,} of {swept.found.due_count:,}",
            )

        yield show


def _row(folder: ImagesFolder, swept: Swept) -> dict[str, object]:
    return {
        "name": folder.name,
        "found_count": swept.found.due_count,
        "found_bytes": swept.found.due_bytes,
        "moved_count": swept.totals.moved_count,
        "moved_bytes": swept.totals.moved_bytes,
        "copied_count": swept.totals.copied_count,
        "copied_bytes": swept.totals.copied_bytes,
        "rewritten_count": swept.totals.rewritten_count,
        "changed_meanwhile_count": swept.later,
        "left_count": swept.left_count,
        "left_alone": refusal_rows(swept.refusals),
        "error": None if swept.error is None else swept.error.message,
        "hint": None if swept.error is None else swept.error.hint,
    }


def _print(folder: ImagesFolder, swept: Swept) -> None:
    totals = swept.totals
    click.echo(f"{folder.name}: {folder.path} -> s3://{folder.bucket}/{folder.prefix}")
    if folder.delete_local or totals.moved_count:
        click.echo(f"  moved        {size(totals.moved_count, totals.moved_bytes)}")
    if totals.copied_count:
        click.echo(f"  copied       {size(totals.copied_count, totals.copied_bytes)}")
    if totals.rewritten_count:
        click.echo(f"  of these     {totals.rewritten_count:,} over an older version of their own")
    if swept.later:
        click.echo(f"  changed      {swept.later:,} meanwhile; they move when they are old enough")
    if swept.left_count:
        click.echo(f"  not done     {swept.left_count:,}")
    for line in refusal_lines(swept.refusals):
        click.echo(line)
