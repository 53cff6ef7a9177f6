"""How commands about backups show that they go on, and how they are told to end."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

Show = Callable[[str, int, int | None], None]
"""Told the phase, bytes done, and bytes in all where that is known."""


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Take SIGTERM and Ctrl-C for a wish to end in order, which takes a moment; gives whether there was one."""
    signals: list[int] = []
    before = {
        number: signal.signal(number, lambda given, _: signals.append(given))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield lambda: bool(signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def shown(title: str, *, as_json: bool) -> Iterator[Show]:
    """Show a bar with rate and time left, where somebody looks."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    is_shown = console.is_terminal and not as_json
    with Progress(*columns, console=console, disable=not is_shown, transient=True) as progress:
        task = progress.add_task(title, total=None)
        phases = [title]

        def show(phase: str, done_bytes: int, total_bytes: int | None) -> None:
            if phase != phases[-1]:
                phases.append(phase)
                progress.reset(task, description=f"{title}: {phase}")
            progress.update(task, completed=done_bytes, total=total_bytes)

        yield show
