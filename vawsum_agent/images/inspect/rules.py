"""What stat(2) and the name say about a file: whether it may move, and whether it is old enough to."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.images.beneath import FolderError
from vawsum_agent.images.inspect.content import EXTENSIONS, extension_of
from vawsum_agent.images.inspect.names import refuse_name
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from vawsum_agent.config.model import ImagesFolder

_CLOCKS_DIFFER_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """One folder's rules, ready to be asked a million times.

    Attributes:
        owner_uid: of whom files must be.
        device: of the file system that the folder is on.
    """

    owner_uid: int
    device: int
    prefix_bytes: int
    max_size_bytes: int
    min_age_ns: int
    types_by_extension: dict[str, str]

    @classmethod
    def of(cls, folder: ImagesFolder, owner_uid: int, device: int) -> Rules:
        """Take them from the configuration."""
        return cls(
            owner_uid,
            device,
            len(folder.prefix.encode()),
            folder.max_size,
            int(folder.min_age * 1e9),
            {extension: kind for kind in folder.types for extension in EXTENSIONS[kind]},
        )

    def refuse(self, path: bytes, name: bytes, found: os.stat_result) -> Reason | None:
        """Say why a file can't move; None when nothing speaks against it so far."""
        if not stat.S_ISREG(found.st_mode):
            return Reason.SYMLINK if stat.S_ISLNK(found.st_mode) else Reason.NOT_A_FILE
        if extension_of(name) not in self.types_by_extension:
            return Reason.OTHER_EXTENSION
        return self._refuse_file(found) or refuse_name(self.prefix_bytes, path)

    def _refuse_file(self, found: os.stat_result) -> Reason | None:
        if found.st_nlink != 1:
            return Reason.HARDLINK
        if found.st_uid != self.owner_uid:
            return Reason.OTHER_OWNER
        if found.st_dev != self.device:
            return Reason.OTHER_FILESYSTEM
        if not 0 < found.st_size <= self.max_size_bytes:
            return Reason.TOO_LARGE if found.st_size else Reason.EMPTY
        return None

    def due_ns(self, found: os.stat_result, now_ns: int) -> int:
        """Tell when a file has been untouched for `min_age`, in nanoseconds since the epoch.

        By the later of mtime and ctime; an mtime from the future, which anybody can set, does not keep a file for ever.
        """
        touched_ns = found.st_ctime_ns
        if touched_ns < found.st_mtime_ns <= now_ns + _CLOCKS_DIFFER_NS:
            touched_ns = found.st_mtime_ns
        return touched_ns + self.min_age_ns

    def refuse_content(self, name: bytes, kind: str) -> Reason | None:
        """Say what is wrong with a file whose content is of type ``kind``, empty for none we know."""
        if kind not in self.types_by_extension.values():
            return Reason.NOT_AN_IMAGE
        return None if self.types_by_extension.get(extension_of(name)) == kind else Reason.EXTENSION_MISMATCH


def rules_of(folder: ImagesFolder, root: int) -> Rules:
    """Make the rules of a folder that is open. Raises FolderError: there is no such user."""
    try:
        owner = pwd.getpwnam(folder.owner)
    except KeyError as exc:
        message = f"images.folder {folder.name}: there is no user {folder.owner}"
        raise FolderError(message, hint="set `owner` to the user that PHP runs as") from exc
    return Rules.of(folder, owner.pw_uid, os.fstat(root).st_dev)
