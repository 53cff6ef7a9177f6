"""As whom somebody reads: a file that root can read need not be one that the daemon can."""

from __future__ import annotations

import contextlib
import os
import pwd
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Eyes:
    """A user with its groups.

    Attributes:
        reads_all: file modes don't matter to it.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    reads_all: bool = False

    @property
    def can_be_used(self) -> bool:
        """Whether this process can look as that user would."""
        own = os.geteuid()
        return own == 0 or (own == self.uid and not self.reads_all)

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """See files as that user does, where this process can; else as this process does."""
        if os.geteuid() != 0 or self.reads_all or self.uid == 0:
            yield
            return
        gid, groups = os.getegid(), os.getgroups()
        try:
            os.setgroups(self.groups)
            os.setegid(self.gid)
            os.seteuid(self.uid)
            yield
        finally:
            os.seteuid(0)
            os.setegid(gid)
            os.setgroups(groups)

    def may_read(self, mode: int, uid: int, gid: int) -> bool:
        """Whether a file of this mode and owner would be readable (path_resolution(7); no access control lists)."""
        if self.reads_all or self.uid == 0:
            return True
        if uid == self.uid:
            return bool(mode & 0o400)
        if gid == self.gid or gid in self.groups:
            return bool(mode & 0o040)
        return bool(mode & 0o004)

    @classmethod
    def of_user(cls, uid: int, *, reads_all: bool = False) -> Eyes:
        """Take what a user that logs in would have; root reads all."""
        name = user_name(uid)
        try:
            gid = pwd.getpwuid(uid).pw_gid
            groups = tuple(os.getgrouplist(name, gid))
        except KeyError:
            gid, groups = os.getegid(), tuple(os.getgroups())
        return cls(name, uid, gid, groups, reads_all=uid == 0 or reads_all)


def user_name(uid: int) -> str:
    """Name a user; its number where it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
