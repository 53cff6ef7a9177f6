"""Who the application is on this host: the web server's user, to whom writable folders are given."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable

_WRITABLE = 0o775


@dataclass(frozen=True, slots=True)
class Owner:
    """A user and its group; None: whoever deploys, who can give nothing away, is the application as well."""

    uid: int | None
    gid: int

    def take(self, folder: int) -> None:
        """Become the owner of a folder, the last that is done to it: whose it is tells that all was done."""
        os.fchmod(folder, _WRITABLE)
        if self.uid is not None:
            os.fchown(folder, self.uid, self.gid)
        os.fsync(folder)

    def has(self, status: os.stat_result) -> bool:
        """Whether something was given to it before."""
        return self.uid is not None and status.st_uid == self.uid


def owner_for(web_user: str) -> Owner:
    """Find the web server's user.

    Raises:
        DeployError: root deploys, and there is no such user.
    """
    if os.geteuid() != 0:
        return Owner(None, os.getegid())
    try:
        entry = pwd.getpwnam(web_user)
    except KeyError:
        shown = printable(web_user)
        hint = "the web server's user owns what a release may write to: is the web server installed?"
        raise DeployError(f"this host has no user {shown}", hint=hint) from None
    return Owner(entry.pw_uid or None, entry.pw_gid)
