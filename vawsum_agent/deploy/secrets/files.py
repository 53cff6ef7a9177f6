"""The files that secrets become, below ``{path}/secrets/{release}``: root's to write, and the group's to read.

A file is replaced whole or not at all, and no other user can read it at any instant, whatever the umask.
"""

from __future__ import annotations

import grp
import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.durable import replace_durably, sync_directory
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.secrets.names import OURS
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder

_FILE_MODE = 0o640
_FOLDER_MODE = 0o750
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """The files of one release.

    Attributes:
        app: whose.
        release: which.
        gid: of the group that may read them; None where we can't give files away, as one plain user.
    """

    app: AppFolder
    release: str
    gid: int | None

    @property
    def folder(self) -> Path:
        """What holds them."""
        return self.app.secrets / self.release

    def read(self, path: str) -> bytes | None:
        """Give what is in one; None where it is no such file as `write` makes, so that it has to be made anew."""
        try:
            descriptor = os.open(self.folder / path, _READ)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            is_ours = (
                stat.S_ISREG(status.st_mode)
                and stat.S_IMODE(status.st_mode) == _FILE_MODE
                and status.st_uid == os.geteuid()
                and self.gid in {None, status.st_gid}
            )
            return file.read() if is_ours else None

    def write(self, contents: Mapping[str, bytes]) -> None:
        """Make these files the release's, and no others. Safe to call again after a crash at any instant inside it.

        What is as it should be is not touched; so files that are being served are replaced one by one, and only where
        they were damaged.

        Raises:
            DeployError: the disk is full, others may write to the folder, or it can't be given to the group.
        """
        self._make_folder(self.app.secrets)
        for path, content in sorted(contents.items()):
            if self.read(path) != content:
                self._write_one(path, content)
        self._remove_others(frozenset(contents))

    def remove(self) -> None:
        """Remove the files; fine where there are none. Safe to call again. Raises DeployError."""
        if not os.path.lexists(self.folder):
            return
        own_folder(self.app.secrets)
        try:
            # If we die here, some are left: `read` finds the others missing, and the next call removes the rest.
            shutil.rmtree(self.folder)
            sync_directory(self.app.secrets)
        except OSError as exc:
            raise self._failed(exc) from exc

    def _write_one(self, path: str, content: bytes) -> None:
        target = self.folder / path
        for folder in (self.folder, *[self.folder / parent for parent in _parents(path)]):
            self._make_folder(folder)
        temporary = target.parent / f"{OURS}{os.getpid()}.tmp"
        try:
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, _NEW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                if self.gid is not None:
                    os.fchown(descriptor, -1, self.gid)
                # Readable for the group only once it is the right group.
                os.fchmod(descriptor, _FILE_MODE)
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            # If we die before the rename that follows, the earlier file is whole, and `write` removes the temporary.
            replace_durably(temporary, target)
        except OSError as exc:
            temporary.unlink(missing_ok=True)
            raise self._failed(exc) from exc

    def _make_folder(self, folder: Path) -> None:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            # Where a file was, a folder is wanted now. Nobody but us can have put it there.
            folder.unlink()
        own_folder(folder, mode=_FOLDER_MODE)
        try:
            status = folder.stat()
            if stat.S_IMODE(status.st_mode) != _FOLDER_MODE:
                folder.chmod(_FOLDER_MODE)
            if self.gid not in {None, status.st_gid}:
                os.chown(folder, -1, self.gid or 0)
        except OSError as exc:
            raise self._failed(exc) from exc

    def _remove_others(self, wanted: frozenset[str]) -> None:
        needed = {parent for path in wanted for parent in _parents(path)}
        try:
            for root, folders, files in os.walk(self.folder, topdown=False):
                for name in files + folders:
                    other = self.folder.joinpath(root, name)
                    path = str(other.relative_to(self.folder))
                    if path in wanted or path in needed:
                        continue
                    if other.is_dir() and not other.is_symlink():
                        other.rmdir()
                    else:
                        other.unlink()
                sync_directory(self.folder.joinpath(root))
        except OSError as exc:
            raise self._failed(exc) from exc

    def _failed(self, exc: OSError) -> DeployError:
        return DeployError(printable(f"{self.folder}: secrets can't be written: {exc.strerror}"))


def group_id(name: str) -> int | None:
    """Give the id of the group that may read secrets; None for a plain user, who can't give files away.

    Raises:
        DeployError: there is no such group.
    """
    try:
        gid = grp.getgrnam(name).gr_gid
    except KeyError as exc:
        if os.geteuid() != 0:
            return None
        hint = "deploy.app.secrets_group names the group that PHP runs as"
        raise DeployError(f"there is no group {name!r} on this host", hint=hint) from exc
    return gid if os.geteuid() == 0 or gid in {os.getegid(), *os.getgroups()} else None


def _parents(path: str) -> list[str]:
    """The folders on the way to a path, the outermost first."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]
