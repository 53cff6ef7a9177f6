"""One deploy at a time on a host, whatever the application: they drain the same targets and reload the same servers.

Held is the lock of every configured application that has a folder here, in the order of their names, so that two that
want several never wait for each other. The kernel gives them back when the process ends, however it ends.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.errors import BusyError, DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.trust import see_that_it_is_own

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vawsum_agent.deploy.layout import AppFolder

_LONGEST_HOLDER = 4096


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock, for whoever finds it held."""

    deploy_id: str
    app: str
    what: str
    pid: int

    def __str__(self) -> str:
        what = f"{self.what} of {self.app}, {self.deploy_id}" if self.app else self.what
        return f"{what} (process {self.pid})"


@contextmanager
def locked(folders: Mapping[str, AppFolder], holder: Holder) -> Iterator[None]:
    """Hold the locks of all these applications.

    Args:
        folders: by the application's name; those without a journal's folder are left out.
        holder: who we are.

    Raises:
        BusyError: another deploy runs; names it.
        DeployError: a lock can't be opened; or it is in a folder of others, who could hold it, or lead us elsewhere.
    """
    with ExitStack() as held:
        for name in sorted(folders):
            if folders[name].journal.is_dir():
                held.callback(_given_back, _taken(folders[name], holder))
        yield


def _taken(folder: AppFolder, holder: Holder) -> int:
    see_that_it_is_own(folder.journal)
    path = folder.journal / "lock"
    try:
        # Readable by nobody else: who can open it can hold it.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as exc:
        hint = "free some space" if exc.errno == errno.ENOSPC else "deploy as root"
        raise DeployError(printable(f"{path} can't be opened: {exc.strerror}"), hint=hint) from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = _holder(descriptor)
        os.close(descriptor)
        message = f"busy: {other}" if other is not None else f"busy: another deploy holds {path}"
        raise BusyError(
            printable(message), hint="wait for it: `vawsum-agent deploy history` shows how it goes"
        ) from None
    except OSError as exc:
        os.close(descriptor)
        raise DeployError(
            printable(f"{path} can't be locked: {exc.strerror}"), hint="is it on a network disk?"
        ) from exc
    _tell(descriptor, holder)
    return descriptor


def _tell(descriptor: int, holder: Holder) -> None:
    """Say who holds it. On a full disk nobody can, and what was left there has to be taken back all the same."""
    told = msgspec.json.encode(holder)
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, told, 0)


def _given_back(descriptor: int) -> None:
    # Or who finds it held the next time, before the next holder is told, takes us for that one.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
    os.close(descriptor)


def _holder(descriptor: int) -> Holder | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _LONGEST_HOLDER, 0), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None
