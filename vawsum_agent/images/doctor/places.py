"""Whether a folder is there, is what it should be, is seen by the daemon and belongs to whose files move."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.eyes import Eyes, user_name
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.doctor.view import Sight
from vawsum_agent.images.units import installing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.doctor.view import View


def place(folder: ImagesFolder, eyes: Eyes, view: View) -> Iterator[Finding]:
    """Check one folder.

    Args:
        folder: as it is configured.
        eyes: as whom the daemon reads. Where this process can't look so, what is closed to it says nothing.
        view: what the daemon sees of the file system.
    """
    try:
        owner = Eyes.of_user(pwd.getpwnam(folder.owner).pw_uid)
    except KeyError:
        what = f"there is no user {folder.owner}, whose files are to move"
        yield Finding(Severity.PROBLEM, what, folder.path, "set `owner` to the user that PHP runs as")
        return
    found = _closed(folder, eyes) or _unseen(folder, view)
    if found is None and folder.delete_local:
        found = _not_writable(folder, owner)
    if found is None:
        found = Finding(Severity.OK, f"the daemon sees it and can read it; files of {folder.owner} move", folder.path)
    yield found


def _closed(folder: ImagesFolder, eyes: Eyes) -> Finding | None:
    """Open it as the daemon does."""
    try:
        with eyes.looking():
            os.close(open_root(folder.path))
    except FolderError as error:
        code = error.__cause__.errno if isinstance(error.__cause__, OSError) else None
        what = error.message.removeprefix(f"{folder.path}: ")
        if code == errno.EACCES and not eyes.can_be_used:
            what = f"can't be looked at as {user_name(os.geteuid())}, while the daemon reads as {eyes.name}"
            return Finding(Severity.WARNING, what, folder.path, "run this as root for the daemon's view")
        remedies = {
            errno.ENOENT: f"create it, or correct `path`: install -d -o {folder.owner} {folder.path}",
            errno.EACCES: f"start the agent by its systemd unit, which reads all files, or let {eyes.name} in",
        }
        return Finding(Severity.PROBLEM, what, folder.path, remedies.get(code or 0, error.hint))
    return None


def _unseen(folder: ImagesFolder, view: View) -> Finding | None:
    sight = view.sight_of(folder.path)
    if sight is Sight.HIDDEN:
        what = "is hidden from the daemon by its systemd unit: nothing moves"
        return Finding(Severity.PROBLEM, what, folder.path, installing())
    if sight is Sight.STALE:
        what = "was replaced by a new folder, while the running daemon sees the one it found at its start"
        remedy = "systemctl restart vawsum-agent; and keep the folder outside of what a deploy replaces"
        return Finding(Severity.PROBLEM, what, folder.path, remedy)
    return None


def _not_writable(folder: ImagesFolder, owner: Eyes) -> Finding | None:
    """Files are removed by their owner, who needs to write the folder itself for the quarantine."""
    if not owner.can_be_used:
        return None
    with owner.looking():
        is_writable = os.access(folder.path, os.W_OK | os.X_OK, effective_ids=True)
    if is_writable:
        return None
    found = Path(folder.path).stat()
    mode = f"{stat.filemode(found.st_mode)} {user_name(found.st_uid)}"
    what = f"can't be written by {folder.owner} ({mode}): what has moved can't be removed, so nothing moves"
    remedy = f"chown {folder.owner} {folder.path}, or set `owner` to whose files are in it"
    return Finding(Severity.PROBLEM, what, folder.path, remedy)
