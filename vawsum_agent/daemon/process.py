"""What the daemon asks of its process: file descriptors, memory arenas, a lock, and an end that comes for certain."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import sys
import threading
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import BusyError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MOST_DESCRIPTORS = 1 << 19
_M_ARENA_MAX = -8  # <malloc.h>
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_SETTINGS = (
    ("MALLOC_ARENA_MAX", _M_ARENA_MAX, 1),
    ("MALLOC_MMAP_THRESHOLD_", _M_MMAP_THRESHOLD, 32 << 20),
    ("MALLOC_TRIM_THRESHOLD_", _M_TRIM_THRESHOLD, 64 << 20),
)
"""Environment variable of glibc that says otherwise, parameter of mallopt(3), value."""


def raise_descriptor_limit() -> None:
    """Lift the soft limit of open files to the hard one: a thousand followed files are a thousand descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def tune_malloc() -> None:
    """Keep glibc from giving every thread a heap of its own and every megabyte back to the kernel.

    Freed memory rarely leaves the many heaps: tens of MB resident. And a batch takes several buffers of a megabyte,
    which by default come from the kernel each time, page fault by page fault: a third of the reader's time. What is
    free is therefore kept until `give_memory_back`.
    """
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        for variable, parameter, value in _SETTINGS:
            if variable not in os.environ:
                mallopt(parameter, value)


def give_memory_back() -> None:
    """Give the kernel back what glibc holds free; now and then, since at full speed it is taken again at once."""
    trim = _of_libc("malloc_trim")
    if trim is not None:
        trim(0)


def _of_libc(name: str) -> Callable[..., object] | None:
    """Find a function of glibc; other C libraries have none of these and need none."""
    found: Callable[..., object] | None = getattr(ctypes.CDLL(None), name, None)
    return found


def lock_state(folder: Path) -> int:
    """Make this process the only daemon on a state folder, until it ends, however it ends.

    Returns:
        The descriptor that holds the lock; keep it open.

    Raises:
        BusyError: another daemon holds it.
        StateError: the folder can't be written.
    """
    path = folder / "daemon.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        message = f"can't open {path}: {error.strerror}"
        raise StateError(message, hint="check agent.state_dir, its owner and the disk") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        message = f"another daemon runs on {folder}"
        raise BusyError(message, hint="stop it first, or give this one a state_dir of its own") from error
    return descriptor


def exit_now(code: int) -> None:
    """End the process even if a thread hangs; nothing durable may depend on what an ordinary exit would do."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue
    os._exit(code)


def guarantee_exit(after_s: float, code: int) -> None:
    """End the process when it has not ended by itself in time."""
    timer = threading.Timer(after_s, exit_now, (code,))
    timer.daemon = True
    timer.start()
