"""Gives folders of a release to the application, with all that is in them.

From the inside out: a folder is given away last, after what is in it, so that nobody can change anything in a folder
that is still being gone through, and whose it is tells that it is done. One that was given is never entered again.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.prepare.beneath import FOLDER, is_ours, make_folder, own_parent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.deploy.prepare.owner import Owner


def make_writable(root: int, parts: Sequence[str], owner: Owner) -> None:
    """Make a folder of the release the application's, and make it where the release has none. Safe to call again.

    Args:
        root: descriptor of the release's folder.
        parts: of the path in it.
        owner: who gets it.

    Raises:
        OSError: a part of the path is a link or a file, or it can't be made.
        DeployError: there is something in it that can't be given away.
    """
    with own_parent(root, parts) as parent:
        name = parts[-1]
        try:
            folder = os.open(name, FOLDER, dir_fd=parent)
        except FileNotFoundError:
            # If we die after this, an empty folder of ours is left, which the next call gives away.
            make_folder(name, parent)
            folder = os.open(name, FOLDER, dir_fd=parent)
        try:
            _give(folder, "/".join(parts), owner)
        finally:
            os.close(folder)
        os.fsync(parent)


def _give(folder: int, path: str, owner: Owner) -> None:
    status = os.fstat(folder)
    if owner.has(status):
        return
    if not is_ours(status) and owner.uid is not None:
        raise DeployError(printable(f"{path} in the release belongs to somebody else"))
    for name in sorted(os.listdir(folder)):
        _give_entry(folder, name, f"{path}/{name}", owner)
    # If we die before this, the folder is still ours, and the next call goes through it once more.
    owner.take(folder)


def _give_entry(folder: int, name: str, path: str, owner: Owner) -> None:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        return  # whoever owns a link gains nothing by it
    if stat.S_ISDIR(status.st_mode):
        inner = os.open(name, FOLDER, dir_fd=folder)
        try:
            _give(inner, path, owner)
        finally:
            os.close(inner)
        return
    if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        # Its other name may be code of the release.
        hint = "leave it out of the release, or out of `writable` in deploy.toml"
        raise DeployError(printable(f"{path} has a second name, or is no file: it can't be made writable"), hint=hint)
    if owner.uid is not None:
        # The folder is ours alone: nobody can have put something else in its place since.
        os.chown(name, owner.uid, owner.gid, dir_fd=folder, follow_symlinks=False)
