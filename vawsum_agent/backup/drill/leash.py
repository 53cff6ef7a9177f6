"""Puts a scratch server on a leash, then becomes it: a script of its own, run by path, that imports none of the agent.

    python -I -S leash.py PARENT COMMAND…

The server ends when the drill does, however that ends; it has none of our capabilities; and where memory or processor
get short it is the one that goes, never the server that was backed up. Done here and not between fork and exec: a
forked child of a process with threads must not run Python.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_NICENESS = 10
_FIRST_TO_GO = b"1000"

NOBODY = "0"
"""As the parent of a server that goes on when the drill ends."""


def main(arguments: list[str]) -> None:
    """Become the command; never returns.

    Args:
        arguments: the process id of the drill, or `NOBODY`; then the command.
    """
    parent, command = arguments[0], arguments[1:]
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    if parent != NOBODY:
        # SIGKILL: nothing of the server is needed, and it is to be gone before the next drill.
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):
            os._exit(1)  # the drill ended before the kernel was told
    with suppress(OSError):  # the daemon's unit forbids it, and has CPUWeight= in its place
        os.nice(_NICENESS)
    with suppress(OSError), open("/proc/self/oom_score_adj", "wb", buffering=0) as file:  # noqa: PTH123 - no pathlib
        file.write(_FIRST_TO_GO)
    os.execv(command[0], command)  # noqa: S606 - that is the point


if __name__ == "__main__":
    main(sys.argv[1:])
