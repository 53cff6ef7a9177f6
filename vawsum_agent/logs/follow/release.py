"""Whether anybody still has a file open for writing, asked of the kernel by a read lease that is given back at once."""

from __future__ import annotations

import errno
import fcntl
import signal


def is_released(descriptor: int) -> bool | None:
    """Tell whether no process has the file open for writing (fcntl(2), ``F_SETLEASE``).

    Returns:
        None when the kernel won't say: the file belongs to someone else and the process lacks ``CAP_LEASE``, or the
        file system knows no leases.
    """
    try:
        # A writer that opens the file in the instant of the lease makes the kernel send a signal. SIGIO, the
        # default, would end the process; SIGURG is ignored unless somebody asks for it.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return False if error.errno == errno.EAGAIN else None
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True
