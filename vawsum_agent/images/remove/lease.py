"""A read lease (fcntl(2), ``F_SETLEASE``): while we hold it, nobody has the file open for writing.

The kernel grants it only when nobody has, and makes whoever opens or truncates the file wait until we let go; that
somebody waits, the lease tells. It ends with the descriptor. Only the file's owner may take one.
"""

from __future__ import annotations

import errno
import fcntl
import signal

from vawsum_agent.images.remove.removal import RemoverError


def is_leased(descriptor: int) -> bool:
    """Take the lease; False when somebody has the file open for writing.

    Raises:
        RemoverError: this file system has no leases: nothing can be proved there, so nothing is removed.
        OSError: the file is another user's (EACCES).
    """
    try:
        # Whoever waits is announced with a signal. SIGIO, the default, would end the process; this one is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as exc:
        if exc.errno == errno.EAGAIN:
            return False
        if exc.errno == errno.EINVAL:
            message = "this file system can't tell whether a file is being written (F_SETLEASE)"
            hint = "set delete_local = false, or 1 in /proc/sys/fs/leases-enable where it is 0"
            raise RemoverError(message, hint=hint) from exc
        raise
    return True


def is_still_leased(descriptor: int) -> bool:
    """Whether the lease holds, and nobody waits to write."""
    return fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_RDLCK
