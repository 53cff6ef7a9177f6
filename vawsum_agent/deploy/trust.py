"""Whether a folder is one that root may work in: nobody else can put something else in its place.

A deploy as root follows this path again and again. Whoever may rename one of its components, or what is in it, decides
what root writes to. So each belongs to root, or to the one who deploys, and nobody else may write to it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from pathlib import Path

_ACL = "system.posix_acl_access"
"""acl(5). There is one where users or groups are named beside the folder's own."""


def own_folder(path: Path, *, mode: int = 0o755) -> None:
    """Make a folder if there is none, and see that it is ours, and every folder above it.

    Args:
        path: absolute, without ``..``.
        mode: of what is made, whatever the umask.

    Raises:
        DeployError: it can't be made, is something else, or others could replace it.
    """
    for folder in (*reversed(path.parents), path):
        try:
            status = folder.lstat()
        except FileNotFoundError:
            status = _made(folder, mode)
        except OSError as exc:
            raise DeployError(f"{printable(str(folder))} can't be looked at: {exc.strerror}") from exc
        _refuse_foreign(folder, status, is_last=folder == path)


def see_that_it_is_own(path: Path) -> None:
    """See the same of a folder that has to be there; nothing is made.

    Raises:
        DeployError: it is missing, is something else, or others could replace it.
    """
    for folder in (*reversed(path.parents), path):
        try:
            status = folder.lstat()
        except OSError as exc:
            raise DeployError(printable(f"{folder} can't be looked at: {exc.strerror}")) from exc
        _refuse_foreign(folder, status, is_last=folder == path)


def _refuse_foreign(folder: Path, status: os.stat_result, *, is_last: bool) -> None:
    problem = _problem(folder, status, is_last=is_last)
    if problem:
        hint = f"nobody but root may decide what a deploy writes to: chown root: {folder}; chmod go-w {folder}"
        raise DeployError(f"{printable(str(folder))} {problem}", hint=printable(hint))


def _made(folder: Path, mode: int) -> os.stat_result:
    try:
        with suppress(FileExistsError):  # somebody else makes it in this moment, and sets its mode
            folder.mkdir(mode)
            folder.chmod(mode)
        return folder.lstat()
    except OSError as exc:
        hint = "make it, owned by root, or deploy as root"
        raise DeployError(f"{printable(str(folder))} can't be made: {exc.strerror}", hint=hint) from exc


def _problem(folder: Path, status: os.stat_result, *, is_last: bool) -> str:
    """Say what is wrong; empty when nothing is."""
    if stat.S_ISLNK(status.st_mode):
        return "is a symbolic link: deploy.app.path names the real folder"
    if not stat.S_ISDIR(status.st_mode):
        return "is no folder"
    if status.st_uid not in {0, os.geteuid()}:
        return f"belongs to user {status.st_uid}"
    # In a sticky folder such as /tmp, nobody renames what is not theirs (unlink(2)).
    is_guarded = bool(status.st_mode & stat.S_ISVTX) and not is_last
    return "" if is_guarded else _writers(folder, status)


def _writers(folder: Path, status: os.stat_result) -> str:
    """Say who else may write; empty when nobody may."""
    if status.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    own_groups = {0} if os.geteuid() == 0 else {0, os.getegid()}
    if status.st_mode & stat.S_IWGRP and status.st_gid not in own_groups:
        return f"can be written by group {status.st_gid}"
    # With a list, the group's bits are the most that anybody who is named there may do: none of them, and nobody can.
    if status.st_mode & stat.S_IWGRP and _has_acl(folder):
        return "can be written by others: it has an access control list"
    return ""


def _has_acl(folder: Path) -> bool:
    try:
        os.getxattr(folder, _ACL, follow_symlinks=False)
    except OSError:
        return False  # none, or a file system that knows of none
    return True
