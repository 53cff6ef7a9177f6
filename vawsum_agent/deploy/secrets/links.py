"""Links in a release's folder to its secrets, at the same relative paths; relative, so that a chroot sees the same.

A release may have folders that the application writes to. None of them, nor a link, is followed or written into here:
whoever owns such a folder could lead root anywhere.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.release_id import checked_release_id
from vawsum_agent.deploy.secrets.names import checked_paths
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vawsum_agent.deploy.layout import AppFolder

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER_MODE = 0o755


def link_secrets(app: AppFolder, release: str, paths: Iterable[str]) -> None:
    """Let a release see its secrets. Safe to call again after a crash at any instant inside it.

    Args:
        app: whose.
        release: which; its folder is there.
        paths: of its secrets, as `fetch_secrets` gives them.

    Raises:
        DeployError: the release ships a file at such a path, or others may write to the folder it would be in.
    """
    own_folder(app.path)
    own_folder(app.releases)
    folder = app.release(checked_release_id(release))
    try:
        root = os.open(folder, _FOLDER)
    except OSError as exc:
        raise DeployError(printable(f"{folder} can't be opened: {exc.strerror}")) from exc
    try:
        for path in sorted(checked_paths(paths)) if (paths := frozenset(paths)) else ():
            _link(root, release, path)
        os.fsync(root)
    finally:
        os.close(root)


def _link(root: int, release: str, path: str) -> None:
    *folders, name = path.split("/")
    wanted = "../" * (len(folders) + 2) + f"secrets/{release}/{path}"
    try:
        with _beneath(root, folders, path) as folder:
            try:
                # If we die before this line, there is no link and the next call makes it; none is ever half there.
                os.symlink(wanted, name, dir_fd=folder)
            except FileExistsError:
                _see_that_it_is_linked(folder, name, wanted, path)
            os.fsync(folder)
    except OSError as exc:
        message = f"the secret {path} can't be linked into {release}: {exc.strerror}"
        raise DeployError(printable(message), hint="no folder on its way may be a link or a shared one") from exc


@contextmanager
def _beneath(root: int, folders: list[str], path: str) -> Iterator[int]:
    """Give the folder, making those that are missing. Raises OSError at a link, DeployError where others may write."""
    descriptor = os.open(".", _FOLDER, dir_fd=root)
    try:
        _see_that_it_is_ours(descriptor, path)
        for part in folders:
            try:
                following = os.open(part, _FOLDER, dir_fd=descriptor)
            except FileNotFoundError:
                os.mkdir(part, _FOLDER_MODE, dir_fd=descriptor)
                following = os.open(part, _FOLDER, dir_fd=descriptor)
                # Whatever the umask: the web server goes through it. If we die before, the release is not served.
                os.fchmod(following, _FOLDER_MODE)
            os.close(descriptor)
            descriptor = following
            _see_that_it_is_ours(descriptor, path)
        yield descriptor
    finally:
        os.close(descriptor)


def _see_that_it_is_ours(folder: int, path: str) -> None:
    status = os.fstat(folder)
    own_groups = {0} if os.geteuid() == 0 else {0, os.getegid()}
    is_open = status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and status.st_gid not in own_groups)
    if status.st_uid not in {0, os.geteuid()} or is_open:
        message = f"the secret {path} would be in a folder that others may write to"
        raise DeployError(printable(message), hint="name the secret so that it is outside of writable paths")


def _see_that_it_is_linked(folder: int, name: str, wanted: str, path: str) -> None:
    try:
        is_linked = os.readlink(name, dir_fd=folder) == wanted
    except OSError:
        is_linked = False
    if not is_linked:
        message = f"the release ships {path}, which is one of its secrets"
        raise DeployError(printable(message), hint="leave it out of what is published, or out of deploy.app.secrets")
