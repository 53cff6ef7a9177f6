"""Hears that it is asked to stop, by whoever stops the service, and stops only what may be stopped.

SIGTERM comes at any moment: in a step, between two of them, while a note is written. Left to its default, it would end
the process wherever that is, and a host that is out of service would stay so until the next start.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any, Self

ASKED = f"asked to stop by {signal.SIGTERM.name}"


class Stopped(BaseException):
    """Raised in the middle of a deed. No `Exception`: libraries catch those, and would try again."""


class Stopping:
    """Takes the signals, from its beginning to its end.

    SIGHUP, as when the terminal of `deploy recover` is closed, is no reason to stop. Both are handled and not ignored,
    so that they work as usual in what is started meanwhile (execve(2)).

    Attributes:
        is_asked: since its beginning.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self._may_raise = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def within(self, deed: Callable[[], str], *, is_stoppable: bool) -> str:
        """Do it. Raises Stopped: it was asked to stop, before, amid it, or so that the deed did not notice."""
        if not is_stoppable:
            return deed()
        try:
            self._may_raise = True
            if self.is_asked:
                raise Stopped
            text = deed()
        finally:
            self._may_raise = False
        if self.is_asked:
            raise Stopped
        return text

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGTERM:
            return
        self.is_asked = True
        if self._may_raise:
            self._may_raise = False
            raise Stopped
