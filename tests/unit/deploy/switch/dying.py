"""A process that is killed at any of its deeds on files, as SSM, the OOM killer or a power button would."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEDS = frozenset(
    ("os.chmod", "os.chown", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "open", "shutil.rmtree")
)


def is_killed_at(deed: int, action: Callable[[], object]) -> bool:
    """Carry something out in a process of its own, which dies just before its n-th deed on files.

    Returns:
        Whether it did; it does not where the action has fewer deeds. They are counted by Python's audit events.
    """
    child = os.fork()
    if child == 0:
        left = deed

        def look(event: str, _arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in _DEEDS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(look)
        try:
            action()
        except BaseException:  # noqa: BLE001 - this process is a copy of pytest, and must end here
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)
