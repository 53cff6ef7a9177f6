"""What the commands about images share: which folders, as whom, and how files left alone are shown."""

from __future__ import annotations

import codecs
import os
import pwd
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vawsum_agent.core.errors import UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_bytes
from vawsum_agent.images.beneath import FolderError
from vawsum_agent.images.reasons import MEANING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vawsum_agent.config.model import Config, ImagesFolder
    from vawsum_agent.images.find.scan import Refusals, Scan

F = TypeVar("F", bound="Callable[..., Any]")


def folder_option(command: F) -> F:
    """``--folder NAME``, passed as ``names``."""
    return click.option(
        "--folder", "names", multiple=True, metavar="NAME", help="Only this one; may be repeated. All without it."
    )(command)


def chosen(config: Config, config_path: Path, names: tuple[str, ...]) -> list[ImagesFolder]:
    """Give the folders that are meant. Raises UsageError."""
    folders = config.images.folder if config.images else []
    if not folders:
        message = f"{config_path} names no folder of images"
        raise UsageError(message, hint="add a table [[images.folder]]")
    known = {folder.name: folder for folder in folders}
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"no folder is called {printable(unknown[0])}"
        raise UsageError(message, hint=f"there is {', '.join(known)}")
    return [known[name] for name in names] if names else folders


@contextmanager
def as_owner(folder: ImagesFolder) -> Iterator[None]:
    """Work on a folder as its owner where root calls; as oneself otherwise.

    What is in an upload folder may be anything: root's rights have no business there. Raises FolderError.
    """
    if os.geteuid() != 0:
        yield
        return
    try:
        owner = pwd.getpwnam(folder.owner)
    except KeyError as exc:
        message = f"images.folder {folder.name}: there is no user {folder.owner}"
        raise FolderError(message, hint="set `owner` to the user that PHP runs as") from exc
    # Python reads this codec when the first name is resolved, perhaps from where the owner may not read.
    codecs.lookup("idna")
    before = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(owner.pw_gid)
    os.seteuid(owner.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(before[1])
        os.setgroups(before[0])


def size(count: int, size_bytes: int) -> str:
    """``1,234 files, 5.6 MiB``."""
    return f"{count:,} file{'' if count == 1 else 's'}, {format_bytes(size_bytes)}"


def shown_path(path: bytes) -> str:
    """Write a path so that no terminal trips over it."""
    return printable(path.decode("utf-8", "backslashreplace"))


def refusal_lines(refusals: Refusals) -> list[str]:
    """A line for each reason, most frequent first, with examples."""
    lines = []
    for reason, count in refusals.counts.most_common():
        named = ", ".join(shown_path(path) for path in refusals.examples.get(reason, []))
        more = ", …" if count > len(refusals.examples.get(reason, [])) else ""
        lines.append(f"  left alone   {count:,} {reason}: {named}{more}")
        lines.append(f"               {MEANING[reason]}")
    return lines


def refusal_rows(refusals: Refusals) -> dict[str, object]:
    """The same for machines."""
    return {
        str(reason): {"count": count, "examples": [shown_path(path) for path in refusals.examples.get(reason, [])]}
        for reason, count in refusals.counts.most_common()
    }


def scan_row(folder: ImagesFolder, found: Scan) -> dict[str, object]:
    """What a scan found, for machines."""
    return {
        "name": folder.name,
        "path": folder.path,
        "bucket": folder.bucket,
        "prefix": folder.prefix,
        "delete_local": folder.delete_local,
        "count": found.due_count,
        "bytes": found.due_bytes,
        "largest": {"path": shown_path(found.largest[1]), "bytes": found.largest[0]} if found.due_count else None,
        "young_count": found.young_count,
        "young_bytes": found.young_bytes,
        "left_alone": refusal_rows(found.refusals),
    }
