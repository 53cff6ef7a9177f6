"""Ties a process to the one that starts it, then becomes it: also a script of its own, which imports none of the agent.

    python -I -S tether.py PARENT SIGNAL OOM_SCORE COMMAND…

The kernel ends the process when its parent ends, however that ends (PR_SET_PDEATHSIG, prctl(2); execve(2) keeps it). It
has none of our capabilities: reading past file modes stays the daemon's. And where memory or processor get short it
goes before what this host is there for. Done here and not between fork and exec: a forked child of a process with
threads must not run Python.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_NICENESS = 10
_NOBODY = "0"


def tethered(command: list[str], *, end_with: int, oom_score: int, is_tied: bool = True) -> list[str]:
    """Give the command that becomes another, tied to this process.

    Args:
        command: an absolute path and its arguments.
        end_with: the signal that it gets when we end.
        oom_score: how much sooner than others it goes when memory gets short, up to 1000 (proc(5): oom_score_adj).
        is_tied: False: it goes on when we end.
    """
    parent = str(os.getpid()) if is_tied else _NOBODY
    return [sys.executable, "-I", "-S", __file__, parent, str(int(end_with)), str(oom_score), *command]


def main(arguments: list[str]) -> None:
    """Become the command; never returns. Takes what `tethered` gives."""
    parent, end_with, oom_score, *command = arguments
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    if parent != _NOBODY:
        prctl(_PR_SET_PDEATHSIG, int(end_with), 0, 0, 0)
        if os.getppid() != int(parent):
            os._exit(1)  # it ended before the kernel was told
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:  # noqa: PTH123 - no imports
        score.write(oom_score)
    with suppress(OSError):  # the unit forbids it, and has CPUWeight= and IOWeight= in its place
        os.nice(_NICENESS)
    os.execv(command[0], command)  # noqa: S606 - no shell, which is the point


if __name__ == "__main__":
    main(sys.argv[1:])
