"""One removal: take the file in, look again, then unlink it or put it back.

The order is the proof. A lease is taken first: from then on nobody writes to the file without our being told. Under
it the whole fingerprint is compared, so what is there is what was uploaded. Only then is the file renamed, by name,
into the quarantine: another one may have got that name in between, so it is asked once more which one came. From there
nothing opens it by its old name, and it is unlinked unless somebody began to wait for the lease.

What is left is a writer whose open(2) found the name before the rename and got as far as the lease only after that
last question. Many files are therefore taken in before the first is unlinked: milliseconds for a few instructions.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.images.beneath import open_file, parent_of
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.remove.lease import is_leased, is_still_leased
from vawsum_agent.images.remove.names import is_plain
from vawsum_agent.images.remove.removal import Outcome

if TYPE_CHECKING:
    from vawsum_agent.images.remove.quarantine import Quarantine
    from vawsum_agent.images.remove.removal import Removal

_OUTCOMES = {
    errno.ENOENT: Outcome.GONE,
    errno.ENOTDIR: Outcome.GONE,  # a folder on the way is a file or a link now
    errno.EAGAIN: Outcome.CHANGED,  # somebody else holds a lease on it
    errno.EACCES: Outcome.REFUSED,
    errno.EPERM: Outcome.REFUSED,  # immutable, or in a sticky folder
    errno.ELOOP: Outcome.REFUSED,  # a link
    errno.ENXIO: Outcome.REFUSED,  # a socket
    errno.EXDEV: Outcome.REFUSED,  # below a mount of its own
    errno.ENAMETOOLONG: Outcome.REFUSED,
}
"""What keeps one file from being taken in; anything else keeps all."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file in the quarantine, held open under its lease. Its descriptor is closed by `close`."""

    removal: Removal
    descriptor: int

    def close(self) -> None:
        """Let go of the file, and of whoever waits for it."""
        os.close(self.descriptor)


def take(quarantine: Quarantine, removal: Removal) -> Taken | Outcome:
    """Take a file into the quarantine if it is the one that was uploaded; else say why it stays.

    Raises:
        RemoverError: the quarantine, or the file system, does not do.
        OSError: no file can be taken in now, as on a read-only file system.
    """
    if not is_plain(removal.path):
        return Outcome.REFUSED
    try:
        with parent_of(quarantine.root, removal.path) as (parent, name):
            return _take_from(quarantine, parent, name, removal)
    except OSError as exc:
        outcome = _OUTCOMES.get(exc.errno or 0)
        if outcome is None:
            raise
        return outcome


def _take_from(quarantine: Quarantine, parent: int, name: bytes, removal: Removal) -> Taken | Outcome:
    descriptor = open_file(parent, name)
    taken: Taken | Outcome = Outcome.REFUSED
    try:
        taken = judged(descriptor, removal)
        if isinstance(taken, Taken):
            quarantine.take_in(parent, name, removal.path)
    except BaseException:
        os.close(descriptor)
        raise
    if not isinstance(taken, Taken):
        os.close(descriptor)
    return taken


def judged(descriptor: int, removal: Removal) -> Taken | Outcome:
    """Say whether an open file may be taken in; then it is leased."""
    found = os.fstat(descriptor)
    if found.st_nlink == 0:
        return Outcome.CHANGED  # another file took its name just now
    if not _is_ours(found):
        return Outcome.REFUSED
    if not is_leased(descriptor):
        return Outcome.CHANGED
    # Under the lease: what is written from now on is written after we have let go.
    if Fingerprint.of(os.fstat(descriptor)) != removal.fingerprint:
        return Outcome.CHANGED
    return Taken(removal, descriptor)


def settle(quarantine: Quarantine, taken: Taken) -> Outcome:
    """Unlink what was taken in if it is still what was uploaded; else put it back.

    Raises:
        RemoverError: it can't be put back.
        OSError: neither can be done; it stays in the quarantine.
    """
    path = taken.removal.path
    try:
        if _is_as_uploaded(quarantine, taken):
            quarantine.drop(path)
            return Outcome.REMOVED
    except FileNotFoundError:
        return Outcome.CHANGED  # somebody took it out of the quarantine
    quarantine.put_back(path)
    return Outcome.CHANGED


def _is_as_uploaded(quarantine: Quarantine, taken: Taken) -> bool:
    found = quarantine.look_at(taken.removal.path)
    held = os.fstat(taken.descriptor)
    return (
        os.path.samestat(found, held)  # what came by that name is what we had looked at
        and _is_ours(held)
        and taken.removal.fingerprint.is_same_but_renamed(Fingerprint.of(held))
        and is_still_leased(taken.descriptor)
    )


def _is_ours(found: os.stat_result) -> bool:
    """A regular file of one name and of our user's: no one else's picture goes with it."""
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == os.geteuid()
