"""Several processes that move files of one folder side by side.

Threads of one process share Python's lock: together they move no more files a second than one of them. So each process
gets a share of the files, a connection to S3 and some threads of its own; what it did comes back over a pipe. Nothing
else is shared. A process that is killed leaves what any crash leaves: files that are here, or proven in the bucket.
"""

from __future__ import annotations

import ctypes
import mmap
import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Protocol, Self

from vawsum_agent.core.errors import AgentError
from vawsum_agent.images.move.moved import Moved

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from types import TracebackType

_LOOK_UP_EVERY_S = 0.1
_END_WITHIN_S = 5.0
_HALTED = 1
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class SliceMover(Protocol):
    """What moves files; `Mover` is one, and `Crew` another."""

    def move(
        self,
        paths: Sequence[bytes],
        jobs: int,
        is_halted: Callable[[], bool] = ...,
        on_settled: Callable[[Moved], None] | None = ...,
    ) -> Moved:
        """See `Mover.move`."""
        ...


Made = Callable[[Callable[[], bool]], AbstractContextManager[SliceMover]]


class Crew:
    """Moves files as `Mover` does, by processes that are forked at once and end with the context, or with this process.

    Args:
        made: gives what moves the files, told how to ask whether to end; entered in each process, which therefore has
            all that belongs to it for itself.
        count: of processes.
    """

    def __init__(self, made: Made, count: int) -> None:
        self._halted = mmap.mmap(-1, 1)  # shared with all of them
        self._connections: list[Connection] = []
        self._processes: list[BaseProcess] = []
        context = multiprocessing.get_context("fork")
        for _ in range(count):
            here, there = context.Pipe()
            self._connections.append(here)
            process = context.Process(target=_work, args=(made, there, self._halted, self._connections, os.getpid()))
            process.start()
            there.close()
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._halted[0] = _HALTED
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join(_END_WITHIN_S)
            process.kill()
            process.join()

    def move(
        self,
        paths: Sequence[bytes],
        jobs: int,
        is_halted: Callable[[], bool] = lambda: False,
        on_settled: Callable[[Moved], None] | None = None,
    ) -> Moved:
        """See `Mover.move`."""
        self._halted[0] = 0
        result = Moved()
        shares = _shares(paths, min(jobs, len(self._connections)))
        at_work: dict[Connection, Sequence[bytes]] = dict(zip(self._connections, shares, strict=False))
        for number, (connection, share) in enumerate(list(at_work.items())):
            threads = len(range(number, jobs, len(shares)))
            if not _sent(connection, (share, threads)):
                result.merge(_died(at_work.pop(connection)))
        while at_work:
            if is_halted() or result.error is not None:
                self._halted[0] = _HALTED
            ready = wait(list(at_work), _LOOK_UP_EVERY_S)
            for connection in [one for one in at_work if one in ready]:
                moved, is_last = _received(connection) or (_died(at_work[connection]), True)
                if is_last:
                    del at_work[connection]
                if is_last or on_settled is None:
                    result.merge(moved)
                else:
                    on_settled(moved)
        return result


def _work(
    made: Made,
    connection: Connection,
    halted: mmap.mmap,
    of_parent: Sequence[Connection],
    parent: int,
) -> None:
    """Be one of the processes."""
    for other in of_parent:
        other.close()  # or nobody would notice that the parent is gone

    def is_halted() -> bool:
        return halted[0] == _HALTED

    with suppress(EOFError, OSError):  # it is
        try:
            with made(is_halted) as mover:
                # Not before: it is forgotten when a process changes whose rights it has.
                _die_with(parent)
                while True:
                    paths, jobs = connection.recv()
                    moved = mover.move(paths, jobs, is_halted, lambda some: connection.send((some, False)))
                    connection.send((moved, True))
        except AgentError as error:
            while True:
                paths, _ = connection.recv()
                connection.send((Moved(left=list(paths), error=error), True))


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends. Raises EOFError where it has already."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise EOFError


def _shares(paths: Sequence[bytes], count: int) -> list[Sequence[bytes]]:
    """Deal the files out one by one, so that the oldest go first everywhere."""
    return [paths[number::count] for number in range(count)]


def _sent(connection: Connection, message: tuple[Sequence[bytes], int]) -> bool:
    try:
        connection.send(message)
    except OSError:
        return False
    return True


def _received(connection: Connection) -> tuple[Moved, bool] | None:
    try:
        received: tuple[Moved, bool] = connection.recv()
    except (EOFError, OSError):
        return None
    return received


def _died(share: Sequence[bytes]) -> Moved:
    message = "a process that moves images ended unexpectedly"
    return Moved(left=list(share), error=AgentError(message, hint="what it had under way is safe: run it again"))
