"""Whether what has moved can be removed: by the daemon itself where it is the owner, else by the owner's helper."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from vawsum_agent.core.eyes import user_name
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.doctor.confinement import Confinement, unit_text
from vawsum_agent.images.remove.client import SOCKETS, HelperRemover
from vawsum_agent.images.remove.removal import RemoverError
from vawsum_agent.images.units import helper_unit, installing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.core.eyes import Eyes

_LOOK = "journalctl --unit vawsum-agent-owner@{owner}"


def removing(
    folder: ImagesFolder, eyes: Eyes, sockets: str = SOCKETS, unit_text: Callable[[str], str] = unit_text
) -> Iterator[Finding]:
    """Ask the helper whether it would act for a folder; nothing is removed.

    Args:
        folder: which one.
        eyes: as whom the daemon runs.
        sockets: where the helpers listen.
        unit_text: reads a unit with its drop-ins.
    """
    uid = _uid_of(folder.owner)
    if not folder.delete_local or uid is None:
        return
    where = f"removal from {folder.path}"
    if uid == eyes.uid:
        yield Finding(Severity.OK, f"the daemon is {folder.owner} itself, and removes what has moved", where)
        return
    try:
        HelperRemover(sockets).expect_ready(folder)
    except RemoverError as error:
        yield _not_ready(error, folder, where)
        return
    yield _confined(folder, where, unit_text) or Finding(
        Severity.OK, f"the helper of {folder.owner} answers, and removes what has moved", where
    )


def _not_ready(error: RemoverError, folder: ImagesFolder, where: str) -> Finding:
    if isinstance(error.__cause__, PermissionError):
        what = f"the helper of {folder.owner} can't be asked as {user_name(os.geteuid())}: only the daemon may"
        return Finding(Severity.WARNING, what, where, "run this as root")
    what = f"{error.message}: what has moved can't be removed, so nothing moves"
    return Finding(Severity.PROBLEM, what, where, error.hint or _LOOK.format(owner=folder.owner))


def _confined(folder: ImagesFolder, where: str, unit_text: Callable[[str], str]) -> Finding | None:
    """It answers from within its unit, which may hide the folder from it or make it read-only."""
    confinement = Confinement.of(unit_text(helper_unit(folder.owner)))
    if not confinement.hides(folder.path) and not confinement.keeps_from_writing(folder.path):
        return None
    what = (
        f"the helper's systemd unit does not let {folder.owner} write there: nothing can be removed, so nothing moves"
    )
    return Finding(Severity.PROBLEM, what, where, installing(folder.owner))


def _uid_of(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None
