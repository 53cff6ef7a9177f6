"""Runs inside a unit of the agent on a booted host and notes what it can do; the test that asked judges it.

``probe.json`` beside it names the paths to ``read`` and to ``write``, and where the ``outcome`` goes.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import socket
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def attempt(deed: Callable[[], object]) -> str:
    """Say "done", or how it failed."""
    try:
        deed()
    except OSError as exc:
        return f"errno {exc.errno}"
    return "done"


def read(path: str) -> None:
    """Read something from a file; an empty one is what systemd puts over what is hidden."""
    if not Path(path).read_bytes():
        raise OSError(errno.ENODATA, "empty")


def open_by_handle() -> None:
    """Call open_by_handle_at with a handle that names nothing: any error but EPERM means that it is let through."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = ctypes.create_string_buffer(b"\x08", 128)
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    if libc.open_by_handle_at(root, handle, 0) < 0:
        raise OSError(ctypes.get_errno(), "open_by_handle_at")


def write_and_run() -> None:
    """Ask for memory that can be both written and run."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def main() -> None:
    """Try everything; leave the outcome in the state folder."""
    wanted = json.loads(Path("/usr/local/lib/probe.json").read_text(encoding="utf-8"))
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    probed = {
        "read": {path: attempt(partial(read, path)) for path in wanted["read"]},
        "write": {path: attempt(partial(Path(path).write_bytes, b"x")) for path in wanted["write"]},
        "capabilities": dict(line.split(":\t") for line in status if line.startswith("Cap")),
        "calls": {
            "open_by_handle_at": attempt(open_by_handle),
            "mmap write+exec": attempt(write_and_run),
            "internet": attempt(lambda: socket.socket(socket.AF_INET).close()),
        },
    }
    Path(wanted["outcome"]).write_text(json.dumps(probed), encoding="utf-8")


if __name__ == "__main__":
    main()
