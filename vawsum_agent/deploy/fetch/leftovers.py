"""What a fetch or a removal leaves when it is killed, and how it goes. To be called by the holder of the lock alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.fetch.places import incoming, is_left
from vawsum_agent.deploy.keep.remove import finish_removals
from vawsum_agent.deploy.keep.tree import remove_tree
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder

_JSON = ".json"


def clear_leftovers(app: AppFolder, coming: str = "") -> list[str]:
    """Remove downloads, half-unpacked releases, seals without a release, and what was being removed.

    Safe to call again after a crash inside it.

    Args:
        app: whose.
        coming: a release that is being fetched. Its secrets, which may be here before it, stay.

    Returns:
        What was removed: paths relative to the application's.

    Raises:
        DeployError: something can't be removed.
    """
    finished = [f"{app.releases.name}/{release}" for release in finish_removals(app, coming)]
    partials = [(app.releases, name) for name in _names(app.releases) if is_left(name)]
    downloads = [(incoming(app), name) for name in _names(incoming(app))]
    seals = [(app.seals, name) for name in _names(app.seals) if not _belongs(app, name)]
    found = [*partials, *downloads, *seals]
    for folder, name in found:
        remove_left(folder, name)
    return [*finished, *(str((folder / name).relative_to(app.path)) for folder, name in found)]


def remove_left(folder: Path, name: str) -> None:
    """Remove one of these; fine where it is gone. Raises DeployError."""
    own_folder(folder)
    try:
        remove_tree(folder, name)
    except OSError as exc:
        message = f"{printable(str(folder / name))} can't be removed: {os.strerror(exc.errno or 0)}"
        raise DeployError(message, hint="see what holds it: a mount, an immutable file (lsattr)") from exc


def _belongs(app: AppFolder, name: str) -> bool:
    """Whether a seal's release is there. The temporary file of a seal begins with a dot: it belongs to none."""
    return name.endswith(_JSON) and not name.startswith(".") and app.release(name.removesuffix(_JSON)).is_dir()


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise DeployError(f"{folder} can't be listed: {exc.strerror}") from exc
