"""The link ``current``: read, replaced in one step, and put back to exactly what it was.

At every instant there is either the old link or the new one, also after a power cut. Nobody else may write to the
folder, or the link would be theirs to change; so that is asked first. Nothing is reloaded here.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from vawsum_agent.core.durable import sync_directory
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder


def switch_to(app: AppFolder, release: str) -> None:
    """Let ``current`` point to a release. Safe to call again after a crash at any instant inside it.

    Raises:
        DeployError: the release is not there, or ``current`` is a real folder or file. It is as it was.
    """
    status = _looked_at(app.release(release))
    if status is None or not stat.S_ISDIR(status.st_mode):
        raise DeployError(f"{printable(str(app.release(release)))} is no folder", hint="deploy the release anew")
    _point(app, app.target(release))


def link_of(app: AppFolder) -> str | None:
    """Give what ``current`` holds, for `restore_link`; None where there is nothing.

    Raises:
        DeployError: it is no link.
    """
    status = _looked_at(app.current)
    if status is None:
        return None
    _see_that_it_is_a_link(app, status)
    return str(app.current.readlink())


def restore_link(app: AppFolder, link: str | None) -> None:
    """Put ``current`` back to what `link_of` gave before. Safe to call again after a crash at any instant inside it.

    Args:
        app: whose link it is.
        link: what it held, wherever that leads; None takes the link away, as before the first release.

    Raises:
        DeployError: ``current`` is no link, or can't be changed; it is as it was.
    """
    if link is not None:
        _point(app, link)
        return
    own_folder(app.path)
    if link_of(app) is not None:
        try:
            # If we die here, the link is there or it isn't: there is nothing between.
            app.current.unlink()
        except OSError as exc:
            raise _not_changed(app, exc) from exc
    _tidy(app)


def switched_at(app: AppFolder) -> float | None:
    """Give when ``current`` came to point where it does, in seconds since the epoch; None where there is no link."""
    status = _looked_at(app.current)
    return status.st_mtime if status is not None and stat.S_ISLNK(status.st_mode) else None


def _point(app: AppFolder, link: str) -> None:
    own_folder(app.path)
    if link_of(app) != link:
        new = app.path / f".current.{os.getpid()}.new"
        try:
            new.unlink(missing_ok=True)
            new.symlink_to(link)
            # If we die before this line, the old link is whole, and the next call removes the new one. After it, the
            # new link serves; whether a power cut can take it back is settled by the fsync below.
            new.rename(app.current)
        except OSError as exc:
            raise _not_changed(app, exc) from exc
    _tidy(app)


def _tidy(app: AppFolder) -> None:
    """Remove what calls that died have left, and make the link durable, whoever made it."""
    try:
        for left_over in app.path.glob(".current.*.new"):
            if left_over.is_symlink():
                left_over.unlink(missing_ok=True)
        sync_directory(app.path)
    except OSError as exc:
        raise _not_changed(app, exc) from exc


def _looked_at(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise DeployError(f"{printable(str(path))} can't be looked at: {exc.strerror}") from exc


def _see_that_it_is_a_link(app: AppFolder, status: os.stat_result) -> None:
    if stat.S_ISLNK(status.st_mode):
        return
    kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a file"
    message = f"{app.current} is {kind}, and no link that could be switched"
    # Between the two commands nothing is served, which is why nobody but a person does this, and once.
    hint = f"once, with the host out of service: mv {app.current} {app.path}/before && ln -s before {app.current}"
    raise DeployError(printable(message), hint=printable(hint))


def _not_changed(app: AppFolder, exc: OSError) -> DeployError:
    return DeployError(printable(f"{app.current} can't be changed: {exc.strerror}"))
