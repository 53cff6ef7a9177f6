"""What a scratch server gives up before it starts, in the child, between fork(2) and execve(2).

It ends when we do, however we end; it has none of our capabilities; and where memory or processor get short, it is the
one that goes, never the server that was backed up.
"""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_NICENESS = 10
_FIRST_TO_GO = "1000"


def leash(*, dies_with_us: bool) -> Callable[[], None]:
    """Give what the child is to run.

    Args:
        dies_with_us: the kernel kills it when the *thread* that starts it ends (PR_SET_PDEATHSIG, prctl(2)), so that
            has to be the main one. False for a server that is to be looked at afterwards.
    """
    # Looked up now: a forked child should do as little as it can.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def prepare() -> None:
        prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        with suppress(OSError):  # systemd may forbid it; it is a courtesy
            os.nice(_NICENESS)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
        if dies_with_us:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)  # we ended before the kernel was told

    return prepare
