"""Programs that run the command after them, such as setpriv(1), where this host has them and they work."""

from __future__ import annotations

import shutil
import subprocess

_TRIED_WITHIN_S = 10.0


def prefix(program: str, *options: str) -> list[str]:
    """Give what goes before a command; nothing where the program is missing, too old, or forbidden to do its work."""
    found = shutil.which(program)
    if found is None:
        return []
    words = [found, *options]
    try:
        tried = subprocess.run([*words, "true"], capture_output=True, timeout=_TRIED_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return words if tried.returncode == 0 else []


def dying_with_us() -> list[str]:
    """Give what goes before a command so that the kernel ends it when we are killed (PR_SET_PDEATHSIG, prctl(2)).

    setpriv(1) of util-linux sets the capabilities anew as well, which the daemon's unit forbids (``@privileged``).
    """
    return prefix("setpriv", "--pdeathsig", "KILL", "--")


def writing_in_pieces(size: str) -> list[str]:
    """Give what goes before a command so that it writes in pieces of, say, 64K, where C's own buffer has 4 KB.

    stdbuf(1) of coreutils loads a library into it, so this is for programs of C that leave their buffer as it is.
    """
    return prefix("stdbuf", f"--output={size}")
