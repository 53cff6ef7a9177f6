"""What is in a folder that becomes a release, in the order of the archive: by name, folders before what is in them.

Whatever a host would refuse to unpack is told as `Refused`, by the very rules that hosts go by. ``.git`` is left out
wherever it lies. Only looks: what changes afterwards is met by whoever reads it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from vawsum_agent.deploy.fetch.limits import LIMITS
from vawsum_agent.deploy.fetch.paths import link_target, member_path
from vawsum_agent.deploy.fetch.refused import Refused, member_refused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEFT_OUT = ".git"

_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that becomes part of the archive.

    Attributes:
        name: relative to the folder, with slashes.
        size_bytes: of a file; else 0.
        is_executable: whether its owner may execute it; for files alone.
        target: of a link, as it stands there.
        identity: of a file: device, inode, mtime in ns.
    """

    name: str
    path: Path
    kind: Literal["folder", "file", "link"]
    size_bytes: int = 0
    is_executable: bool = False
    target: str = ""
    identity: tuple[int, int, int] = (0, 0, 0)


def walk(root: Path) -> Iterator[Entry | Refused]:
    """Give all that is in a folder. Memory holds the names in the folders on the way to where it is.

    Args:
        root: absolute and without links.

    Raises:
        OSError: the folder itself can't be read.
    """
    waiting = [_children(root, "")]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
            continue
        found = _examined(*child)
        if isinstance(found, Entry) and found.kind == "folder":
            try:
                waiting.append(_children(found.path, found.name + "/"))
            except OSError as error:
                found = _unreadable(found.name, error)
        yield found


def _children(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    names = sorted((path.name for path in folder.iterdir() if path.name != LEFT_OUT), key=os.fsencode)
    return iter([(prefix + name, folder / name) for name in names])


def _examined(name: str, path: Path) -> Entry | Refused:
    try:
        return _entry(name, path)
    except Refused as refused:
        return refused
    except OSError as error:
        return _unreadable(name, error)


def _entry(name: str, path: Path) -> Entry:
    parts = member_path(name, LIMITS)
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        target = os.readlink(path)  # noqa: PTH115 - as it stands there: a Path would change ./ and //
        link_target(name, parts, target, LIMITS)
        if LEFT_OUT in target.split("/"):
            raise member_refused(name, f"is a link into {LEFT_OUT}, which is left out")
        return Entry(name, path, "link", target=target)
    if stat.S_ISDIR(status.st_mode):
        return Entry(name, path, "folder")
    if not stat.S_ISREG(status.st_mode):
        raise member_refused(name, f"is {_KINDS.get(stat.S_IFMT(status.st_mode), 'no file')}")
    if status.st_size > LIMITS.file_bytes:
        raise member_refused(name, f"has {status.st_size:,} bytes: too large")
    identity = (status.st_dev, status.st_ino, status.st_mtime_ns)
    return Entry(name, path, "file", status.st_size, bool(status.st_mode & stat.S_IXUSR), identity=identity)


def _unreadable(name: str, error: OSError) -> Refused:
    return member_refused(name, f"can't be read: {error.strerror}")
