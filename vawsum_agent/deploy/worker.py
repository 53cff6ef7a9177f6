"""Whether somebody works on a deploy just now, as far as a process without any right can tell.

The lock can't be tried: only who deploys may open it, and trying it would be in their way. But the kernel tells
everybody who holds which file (proc(5), ``/proc/locks``), and by which command line a process was started.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.deploy.confined import is_hidden
from vawsum_agent.deploy.glance import records_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.deploy.layout import AppFolder

_HELD = re.compile(rb"^\d+: FLOCK +\S+ +\S+ +(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) ", re.MULTILINE)
_WORKING = frozenset({(b"deploy", b"work"), (b"deploy", b"recover")})


def is_worked_on(app: AppFolder, copies: Path, proc: Path = Path("/proc")) -> bool:
    """Whether a process deploys this application, or finishes or takes back what one had begun.

    Where the lock shows, it decides. Where the daemon's unit hides it, the processes of the owner of the records do,
    whom nobody else can pretend to be.

    Args:
        app: which one.
        copies: the folder of copies of its records; see `vawsum_agent.deploy.copies`.
        proc: where procfs is mounted.
    """
    try:
        inode = (app.journal / "lock").stat().st_ino
    except OSError:
        # Where it is not hidden, and not there, nobody ever held it.
        is_covered = is_hidden(app.journal, proc / "self")
        return is_covered and any(_is_working(proc, pid) for pid in _processes(app, copies, proc))
    # The device is left out: btrfs tells another one here than there. A deploy that holds this very number is it.
    return any(_is_working(proc, pid) for pid in _holders(inode, proc))


def _holders(inode: int, proc: Path) -> Iterator[int]:
    try:
        text = (proc / "locks").read_bytes()
    except OSError:
        return
    for pid, held in _HELD.findall(text):
        if int(held) == inode:
            yield int(pid)


def _processes(app: AppFolder, copies: Path, proc: Path) -> Iterator[int]:
    try:
        owner = records_folder(app, copies).stat().st_uid
        folders = [folder for folder in proc.iterdir() if folder.name.isdecimal()]
    except OSError:
        return
    for folder in folders:
        try:
            if folder.stat().st_uid == owner:
                yield int(folder.name)
        except OSError:
            continue  # it ended meanwhile


def _is_working(proc: Path, pid: int) -> bool:
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return not _WORKING.isdisjoint(itertools.pairwise(words))
