"""Has the kernel end a client program when we are killed (PR_SET_PDEATHSIG), where this host lets us ask for it."""

from __future__ import annotations

import shutil
import subprocess

_TRIED_WITHIN_S = 10.0


def dying_with_us() -> list[str]:
    """Give what goes before a command; nothing where it can't be had.

    setpriv(1) of util-linux sets the capabilities anew as well, which the daemon's unit forbids (``@privileged``): so
    it is tried. Without it a client ends all the same: as soon as it writes to us, or has read all that we wrote.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    prefix = [setpriv, "--pdeathsig", "KILL", "--"]
    try:
        tried = subprocess.run([*prefix, "true"], capture_output=True, timeout=_TRIED_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return prefix if tried.returncode == 0 else []
