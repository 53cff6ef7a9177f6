"""Runs a command of the agent as systemd would: as another user, with a socket handed over.

``python -m tests.integration.images.remove.as_owner UID GID LISTENER COMMAND…``. That user
need not be able to read the interpreter: what the command imports is imported while this is still root.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys

MODULES = (
    "vawsum_agent.cli.main",
    "vawsum_agent.cli.owner_helper",
    "vawsum_agent.config.load",
    "vawsum_agent.daemon.log_output",
    "vawsum_agent.images.remove.folders",
    "vawsum_agent.images.remove.helper",
    "vawsum_agent.images.remove.listening",
)
PR_SET_DUMPABLE = 4


def main(uid: str, gid: str, listener: str, *command: str) -> None:
    """Become that user, as after systemd's exec, and run the command."""
    os.dup2(int(listener), 3)
    os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    for module in MODULES:
        importlib.import_module(module)
    os.setgroups([])
    os.setresgid(int(gid), int(gid), int(gid))
    os.setresuid(int(uid), int(uid), int(uid))
    # To change the user hides a process from that user; to execute a program, as systemd does then, shows it again.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    sys.argv = ["vawsum-agent", *command]
    importlib.import_module("vawsum_agent.cli.main").main()


if __name__ == "__main__":
    main(*sys.argv[1:])
