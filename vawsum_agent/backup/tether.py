"""Ties a job to the daemon, then becomes it: a script of its own, run by path, that imports nothing of the agent's.

    python -I -S tether.py PARENT COMMAND…

The kernel ends the job when the daemon ends, however it ends (PR_SET_PDEATHSIG, prctl(2); execve(2) keeps it). Done
here and not between fork and exec: a forked child of a process with threads must not run Python.
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
_GOES_FIRST = "500"


def main(arguments: list[str]) -> None:
    """Become the command; never returns.

    Args:
        arguments: the process id of the daemon, then the command.
    """
    parent, command = int(arguments[0]), arguments[1:]
    prctl = ctypes.CDLL(None).prctl
    # SIGTERM: so that it can take back what it began in S3. SIGKILL would leave that to the next start.
    prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # the daemon ended before the kernel was told
    # The job reads its own files alone: reading past file modes stays the daemon's.
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123 - no imports
        score.write(_GOES_FIRST)  # where memory gets short, a backup can be made again
    with suppress(OSError):  # the unit forbids it, and has CPUWeight= and IOWeight= in its place
        os.nice(_NICENESS)
    os.execv(command[0], command)  # noqa: S606 - no shell, which is the point


if __name__ == "__main__":
    main(sys.argv[1:])
