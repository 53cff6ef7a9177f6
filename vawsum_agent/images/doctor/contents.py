"""What is in a folder: what would move, what can't and why, and what a crash left in the quarantine.

Looks as the folder's owner, since what is in it may be anything, and at a bounded part of it.
"""

from __future__ import annotations

import errno
import os
import pwd
import time
from itertools import islice
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.eyes import Eyes, user_name
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes
from vawsum_agent.images.beneath import QUARANTINE, FolderError, open_folder, open_root
from vawsum_agent.images.find.walk import Walk
from vawsum_agent.images.plan import plan
from vawsum_agent.images.reasons import MEANING, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.find.scan import Scan

_MOST_ENTRIES = 100_000
_MOST_LOOKS = 500
_MOST_REASONS = 5
_RESTS_S = 60.0
"""A file that is being removed is in the quarantine for milliseconds."""

_USUAL = frozenset({Reason.OTHER_EXTENSION, Reason.EMPTY})
"""Other files are in such folders; nothing is wrong with that."""

_REMEDIES = {
    Reason.PHP_CODE: "keep it, and find out who sent it: docs/runbooks/images-pile-up.md",
    Reason.OTHER_OWNER: "chown them, or set `owner` to the user that PHP runs as",
    Reason.OTHER_FILESYSTEM: "give that file system a [[images.folder]] of its own",
    Reason.TOO_LARGE: "raise `max_size` where they shall move",
    Reason.NOT_AN_IMAGE: "add their type to `types`, where it is one",
    Reason.EXTENSION_MISMATCH: "let the application name files by their content",
    Reason.UNREADABLE: "let the owner read them",
}
_ANY_REMEDY = "let the application store them otherwise, or leave them: vawsum-agent images plan names more"


def contents(
    folder: ImagesFolder, most_entries: int = _MOST_ENTRIES, most_looks: int = _MOST_LOOKS
) -> Iterator[Finding]:
    """Look into one folder. One that can't be opened is told of by `places`.

    Args:
        folder: which one.
        most_entries: that are walked.
        most_looks: files whose content is looked at.
    """
    try:
        owner = Eyes.of_user(pwd.getpwnam(folder.owner).pw_uid)
        with owner.looking():
            found = plan(folder, SystemClock(), most_entries=most_entries, most_looks=most_looks)
            left = _quarantine(folder, owner)
    except (FolderError, KeyError):
        return
    yield _due(folder, found, most_entries)
    yield from _left_alone(folder, found)
    yield from left


def _due(folder: ImagesFolder, found: Scan, most_entries: int) -> Finding:
    seen = found.due_count + found.young_count + sum(found.refusals.counts.values())
    of = f", of the first {most_entries:,} files" if seen >= most_entries else ""
    what = (
        f"{counted(found.due_count, 'image')} due ({format_bytes(found.due_bytes)}), {found.young_count} too young{of}"
    )
    return Finding(Severity.OK, what, folder.path)


def _left_alone(folder: ImagesFolder, found: Scan) -> Iterator[Finding]:
    """Name the most frequent reasons; code above all."""
    counts = found.refusals.counts
    reasons = sorted(counts, key=lambda reason: (reason is not Reason.PHP_CODE, reason in _USUAL, -counts[reason]))
    for reason in reasons[:_MOST_REASONS]:
        count = counts[reason]
        example = printable(found.refusals.examples[reason][0].decode("utf-8", "backslashreplace"))
        what = f"{counted(count, 'file')} left alone, such as {example}: {reason}, {MEANING[reason]}"
        if reason in _USUAL:
            yield Finding(Severity.OK, what, folder.path)
        else:
            yield Finding(Severity.WARNING, what, folder.path, _REMEDIES.get(reason, _ANY_REMEDY))


def _quarantine(folder: ImagesFolder, owner: Eyes) -> list[Finding]:
    """Look into the quarantine, which is empty between removals. Raises FolderError: the folder can't be opened."""
    root = open_root(folder.path)
    where = f"{folder.path}/{os.fsdecode(QUARANTINE)}"
    try:
        descriptor = open_folder(root, QUARANTINE)
    except OSError as exc:
        if exc.errno not in {errno.ELOOP, errno.ENOTDIR}:
            return []
        remedy = "look at it and move it away: the agent makes a folder there"
        return [Finding(Severity.PROBLEM, "is a link or a file: nothing can be removed", where, remedy)]
    finally:
        os.close(root)
    try:
        return leftovers(descriptor, owner.uid, where)
    finally:
        os.close(descriptor)


def leftovers(quarantine: int, owner: int, where: str, *, rests_s: float = _RESTS_S) -> list[Finding]:
    """Look for files that rest in the quarantine.

    Args:
        quarantine: a descriptor of it.
        owner: user id of the folder's owner.
        where: its path, for people.
        rests_s: what has been in it for longer is not being removed just now.
    """
    found = os.fstat(quarantine)
    if found.st_uid != owner:
        what = f"belongs to {user_name(found.st_uid)}, not to {user_name(owner)}: nothing can be removed"
        return [Finding(Severity.PROBLEM, what, where, "look at it and move it away: the agent makes it anew")]
    rested = time.time() - rests_s
    try:
        entries = list(islice(Walk(quarantine, found.st_dev).entries(), _MOST_ENTRIES))
    except OSError:
        return []
    count = sum(entry.found is not None and entry.found.st_ctime < rested for entry in entries)
    if not count:
        return []
    what = f"{counted(count, 'file')} left there by a crash: back at their place with the next removal"
    remedy = "systemctl restart vawsum-agent, which puts them back at once"
    return [Finding(Severity.WARNING, what, where, remedy)]
