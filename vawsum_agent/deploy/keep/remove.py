"""Taking releases off the host, with their seals and secrets. To be called by the holder of the lock alone."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from vawsum_agent.core.durable import sync_directory
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.keep.tree import remove_tree
from vawsum_agent.deploy.release_id import RELEASE_PATTERN, checked_release_id, is_release_id
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder

_REMOVING = re.compile(rf"\.({RELEASE_PATTERN})\.removing", re.ASCII)


def present_releases(app: AppFolder) -> list[str]:
    """Give the releases of this host, the oldest first; none where there is no folder for them yet.

    Raises:
        DeployError: nobody can tell.
    """
    try:
        with os.scandir(app.releases) as found:
            return sorted(one.name for one in found if is_release_id(one.name) and one.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise DeployError(f"{app.releases} can't be listed: {exc.strerror}") from exc


def remove_release(app: AppFolder, release: str) -> None:
    """Remove a release, its seal and its secrets; fine where it is gone. Safe to call again after a crash inside it.

    Raises:
        DeployError: it is the one that is served, or can't be removed; at the worst the rest of it lies there under
            another name, and the next `finish_removals` goes on.
        UsageError: that is no release.
    """
    checked_release_id(release)
    own_folder(app.releases)
    marker = _marker(app, release)
    try:
        if app.current_release() == release:
            raise DeployError(f"{release} is not removed: {app.current} points to it")
        if os.path.lexists(app.release(release)):
            # Its name goes first: what is half removed is no release. One of an earlier removal is in the way.
            remove_tree(app.releases, marker.name)
            app.release(release).rename(marker)
            sync_directory(app.releases)
        _finish(app, release, with_secrets=True)
    except OSError as exc:
        raise _not_removed(app, release, exc) from exc


def finish_removals(app: AppFolder, coming: str = "") -> list[str]:
    """Go on with removals that a crash cut off; give the releases. Safe to call again.

    Args:
        app: whose.
        coming: a release that is being fetched again. Its secrets, which come before it, stay.

    Raises:
        DeployError: something can't be removed.
    """
    try:
        names = sorted(os.listdir(app.releases))  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise DeployError(f"{app.releases} can't be listed: {exc.strerror}") from exc
    found = [match[1] for name in names if (match := _REMOVING.fullmatch(name))]
    for release in found:
        own_folder(app.releases)
        try:
            _finish(app, release, with_secrets=release != coming)
        except OSError as exc:
            raise _not_removed(app, release, exc) from exc
    return found


def _finish(app: AppFolder, release: str, *, with_secrets: bool) -> None:
    """Remove what belongs to a release that has lost its name."""
    # The folder goes last. If we die before, it still says that the rest has to go.
    if app.seals.is_dir():
        (app.seals / f"{release}.json").unlink(missing_ok=True)
    if with_secrets and app.secrets.is_dir():
        own_folder(app.secrets)
        remove_tree(app.secrets, release)
    remove_tree(app.releases, _marker(app, release).name)


def _marker(app: AppFolder, release: str) -> Path:
    return app.releases / f".{release}.removing"


def _not_removed(app: AppFolder, release: str, exc: OSError) -> DeployError:
    what = printable(str(exc.filename)) if exc.filename else str(app.release(release))
    message = f"{release} can't be removed from {app.releases}: {what}: {os.strerror(exc.errno or 0)}"
    return DeployError(message, hint="see what holds it: a mount, an immutable file (lsattr)")
