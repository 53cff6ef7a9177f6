"""As whom a hook runs. Whoever may publish a release may write a hook, so root is nobody's default."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this host (passwd(5)), and what a process needs to become it.

    Attributes:
        groups: all its groups; None: it is who we are already, and keeps ours.
    """

    name: str
    uid: int
    gid: int
    home: str
    groups: tuple[int, ...] | None


def account_for(user: str, *, default_user: str) -> Account:
    """Find as whom a hook runs.

    Args:
        user: as the release wrote it; empty: it does not say.
        default_user: who it is then, when root deploys. Anybody else deploys, and runs hooks, as himself alone.

    Raises:
        DeployError: there is no such user, or only root could become it.
    """
    own_uid = os.geteuid()
    try:
        entry = pwd.getpwnam(user or default_user) if user or own_uid == 0 else pwd.getpwuid(own_uid)
    except KeyError:
        if user or own_uid == 0:
            shown = printable(user or default_user)
            hint = "make that user, or name another as `user` of the hook in deploy.toml"
            raise DeployError(f"hooks are to run as {shown}, and this host has no such user", hint=hint) from None
        # A container may run us as a number that has no name.
        return Account(str(own_uid), own_uid, os.getegid(), "/", None)
    if entry.pw_uid == own_uid:
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, None)
    if own_uid != 0:
        shown = printable(user)
        hint = "deploy as root, or leave `user` out in deploy.toml"
        raise DeployError(f"only root can run a hook as {shown}", hint=hint)
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, groups)
