"""Which folders a helper may touch: those of the configuration whose owner is its own user, and no others.

It reads the configuration itself and takes nobody's word for it: who asks may have been taken over.
"""

from __future__ import annotations

import pwd
from typing import TYPE_CHECKING

from vawsum_agent.config.load import load
from vawsum_agent.core.errors import ConfigError
from vawsum_agent.images.remove.removal import RemoverError

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from vawsum_agent.config.model import ImagesFolder

Stamp = tuple[tuple[str, int, int, int], ...]


class OwnFolders:
    """The folders of one user. Read again when a file of the configuration has changed."""

    def __init__(self, config_path: Path, uid: int) -> None:
        self._config_path = config_path
        self._uid = uid
        self._stamp: Stamp | None = None
        self._folders: dict[str, ImagesFolder] = {}

    def find(self, name: str, path: str) -> ImagesFolder:
        """Give the folder of that name and path.

        Raises:
            RemoverError: there is none, it is another user's, or the configuration is refused.
        """
        self._read_if_changed()
        folder = self._folders.get(name)
        if folder is None or folder.path != path:
            message = f"the helper's configuration has no folder {name!r} at {path}"
            raise RemoverError(message, hint="after a change of the configuration: systemctl reload vawsum-agent")
        if _uid_of(folder.owner) != self._uid:
            message = f"{path} belongs to {folder.owner}, for whom this helper does not act"
            raise RemoverError(message, hint=f"systemctl enable --now vawsum-agent-owner@{folder.owner}.socket")
        return folder

    def _read_if_changed(self) -> None:
        stamp = self._look()
        if stamp == self._stamp:
            return
        try:
            images = load(self._config_path).config.images
        except ConfigError as exc:
            message = f"the helper can't use the configuration: {exc.violations[0]}"
            raise RemoverError(message, hint="vawsum-agent check-config") from exc
        self._folders = {folder.name: folder for folder in images.folder} if images else {}
        self._stamp = stamp

    def _look(self) -> Stamp:
        """What tells that a file was changed, came or went. Files are few."""
        further = self._config_path.parent / "conf.d"
        return tuple(
            (str(file), found.st_ino, found.st_mtime_ns, found.st_ctime_ns)
            for file in (self._config_path, further, *sorted(further.glob("*.toml")))
            if (found := _stat(file)) is not None
        )


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None  # `load` says what is wrong with it


def _uid_of(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
