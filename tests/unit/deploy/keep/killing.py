"""A process killed before each thing that it does to the disk, one after the other."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEEDS = frozenset(
    {
        "open",
        "os.rename",
        "os.mkdir",
        "os.remove",
        "os.rmdir",
        "os.chmod",
        "os.link",
        "os.symlink",
        "os.utime",
        "ctypes.dlsym",
    }
)
"""What Python tells its audit hooks before it is done (docs.python.org, "Audit events table")."""

_MOST = 2000


def killed_everywhere(action: Callable[[], object], below: str) -> Iterator[int]:
    """Carry out an action in a child that is killed before its first deed, then in one before its second, and so on.

    Args:
        action: the same each time; what the one before left is there.
        below: deeds that name a path count if it is one below this, or a relative one, as beside descriptors.

    Yields:
        The number of the deed, after each kill. Ends when the action came to its end.
    """
    for number in range(_MOST):
        child = os.fork()
        if child == 0:
            _run(action, below, number)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"it failed after it was killed {number} times"
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        yield number
    raise AssertionError("it never ends")


def _run(action: Callable[[], object], below: str, deeds_left: int) -> None:
    left = deeds_left

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event not in _DEEDS or not _is_below(arguments[0], below):
            return
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    try:
        sys.addaudithook(watch)
        action()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the child must not go on as a second test run
        os.write(2, f"{error!r}\n".encode())
        os._exit(1)
    os._exit(0)


def _is_below(path: object, below: str) -> bool:
    text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    return text.startswith(below) or not text.startswith("/")  # descriptors, too
