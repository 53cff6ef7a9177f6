"""Links in a release to what releases share; relative, so that a chroot sees the same."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.prepare.beneath import FOLDER, find_shared, make_shared, own_parent
from vawsum_agent.deploy.prepare.paths import is_folder_path, parts_of

if TYPE_CHECKING:
    from vawsum_agent.deploy.prepare.owner import Owner

_PLACEHOLDERS = frozenset({".gitkeep", ".gitignore", ".keep"})
"""What stands in a folder only because git knows no empty ones."""


def see_that_it_is_shared(shared: int, path: str, owner: Owner) -> None:
    """See that there is something to link to; a path that ends with a slash is made. Safe to call again.

    Args:
        shared: descriptor of the folder ``shared/``.
        path: as the release wrote it.
        owner: who gets what is made.

    Raises:
        OSError: a part of the path is a link or a file, or it can't be made.
        DeployError: it is missing, or no folder where one has to be.
    """
    parts = parts_of(path)
    found = find_shared(shared, parts)
    if is_folder_path(path):
        if found is not None and not stat.S_ISDIR(found.st_mode):
            raise DeployError(f"shared/{path} is no folder, which deploy.toml says it is")
        if found is None:
            make_shared(shared, parts, owner)
    elif found is None:
        hint = f'put it there, or write "{path}/" in deploy.toml if it is a folder that may begin empty'
        raise DeployError(f"shared/{path} is missing, which the release shares", hint=hint)


def link_shared(root: int, path: str) -> str:
    """Link a path of the release to the same path in ``shared/``, and give it as the link is called.

    Safe to call again after a crash at any instant inside it.

    Args:
        root: descriptor of the release's folder.
        path: as the release wrote it.

    Raises:
        OSError: a part of the path is a link or a file, or the link can't be made.
        DeployError: the release ships something itself there.
    """
    parts = parts_of(path)
    plain = "/".join(parts)
    target = "../" * (len(parts) + 1) + f"shared/{plain}"
    with own_parent(root, parts) as parent:
        _clear(parent, parts[-1])
        try:
            # If we die before this, there is nothing and the next call makes it; no link is ever half there.
            os.symlink(target, parts[-1], dir_fd=parent)
        except FileExistsError:
            if not _leads_to(parent, parts[-1], target):
                message = f"the release ships {plain} itself, which its deploy.toml shares"
                raise DeployError(message, hint="leave it out of what is published, or out of `shared`") from None
        os.fsync(parent)
    return plain


def _clear(parent: int, name: str) -> None:
    """Remove a folder of the release that only keeps the place for what is shared."""
    try:
        folder = os.open(name, FOLDER, dir_fd=parent)
    except OSError:
        return  # nothing, a link, or a file, of which more is known when the link can't be made
    try:
        names = os.listdir(folder)  # noqa: PTH208 - by descriptor
        if not _PLACEHOLDERS.issuperset(names):
            return
        for placeholder in names:
            # If we die among these, what is left is a folder that keeps the place still.
            os.unlink(placeholder, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parent)


def _leads_to(parent: int, name: str, target: str) -> bool:
    try:
        return os.readlink(name, dir_fd=parent) == target
    except OSError:
        return False
