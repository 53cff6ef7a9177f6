"""The step `prepare`: all that a release asks for in its deploy.toml, but the hooks, which it sees can be run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted
from vawsum_agent.deploy.hooks.account import account_for
from vawsum_agent.deploy.hooks.release_file import HOOK_NAMES
from vawsum_agent.deploy.prepare.beneath import make_folder, opened, reason
from vawsum_agent.deploy.prepare.owner import owner_for
from vawsum_agent.deploy.prepare.paths import parts_of
from vawsum_agent.deploy.prepare.shared import link_shared, see_that_it_is_shared
from vawsum_agent.deploy.prepare.writable import make_writable
from vawsum_agent.deploy.release_id import checked_release_id
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.deploy.hooks.release_file import ReleaseFile
    from vawsum_agent.deploy.layout import AppFolder
    from vawsum_agent.deploy.prepare.owner import Owner


def prepare(
    app: AppFolder,
    release: str,
    file: ReleaseFile,
    *,
    web_user: str,
    say: Callable[[str], None],
) -> frozenset[str]:
    """Link what the release shares, and make writable what it may write to.

    Safe to call again after a crash at any instant inside it, and of a release that is served already.

    Args:
        app: whose.
        release: which; it is unpacked.
        file: what it asks for.
        web_user: owns what may be written to, and runs hooks that name nobody, where root deploys.
        say: is told what was done.

    Returns:
        The paths of links to what is shared. These, and what the release shipped below them, and all below its
        writable folders, may differ from its seal from now on.

    Raises:
        DeployError: something shared is missing; the release ships something itself at a shared path; a path leads
            through a link; a user does not exist. Nothing that is served has changed.
    """
    folder = app.release(checked_release_id(release))
    own_folder(app.path)
    own_folder(app.releases)
    for name in HOOK_NAMES:
        hook = file.hooks.named(name)
        if hook is not None:
            # Rather now than when the host is drained.
            account_for(hook.user, default_user=web_user)
    if not file.shared and not file.writable:
        return frozenset()
    owner = owner_for(web_user)
    if file.shared:
        _see_to_shared(app, file.shared, owner)
    links = set()
    with opened(folder) as root:
        for path in file.shared:
            try:
                links.add(link_shared(root, path))
            except OSError as exc:
                raise DeployError(printable(f"{path} can't be linked to shared/{path}: {reason(exc)}")) from exc
        for path in file.writable:
            try:
                make_writable(root, parts_of(path), owner)
            except OSError as exc:
                raise DeployError(printable(f"{path} can't be made writable: {reason(exc)}")) from exc
    shared, writable = counted(len(links), "shared path"), counted(len(file.writable), "writable folder")
    say(f"{shared} linked, {writable}")
    return frozenset(links)


def _see_to_shared(app: AppFolder, paths: list[str], owner: Owner) -> None:
    """See that all is there before anything is linked."""
    if not os.path.lexists(app.shared):
        with opened(app.path) as parent:
            try:
                make_folder(app.shared.name, parent)
            except OSError as exc:
                raise DeployError(printable(f"{app.shared} can't be made: {exc.strerror}")) from exc
    with opened(app.shared) as shared:
        for path in paths:
            try:
                see_that_it_is_shared(shared, path, owner)
            except OSError as exc:
                hint = "what lies on another disk is mounted there, or is a link itself"
                raise DeployError(printable(f"shared/{path} can't be used: {reason(exc)}"), hint=hint) from exc
