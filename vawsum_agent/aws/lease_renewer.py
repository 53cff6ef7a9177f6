"""Renews a lease in time, in a thread of its own, while something else is done under it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from vawsum_agent.aws.held import LeaseLost
from vawsum_agent.core.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from vawsum_agent.aws.held import Held

_A_THIRD = 3
_SOONER = 8


def _nothing() -> None:
    return None


class Renewer:
    """While its context lasts the lease is renewed every third of its time to live; more often after a failure.

    Args:
        held: what is renewed; whoever leaves the context gives it back.
        on_lost: called once, by the thread, when somebody else has taken it.

    Attributes:
        last_error: of the last renewal; None when it succeeded.
    """

    def __init__(self, held: Held, on_lost: Callable[[], object] = _nothing) -> None:
        self.last_error: AwsError | None = None
        self._held = held
        self._on_lost = on_lost
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease-renewer", daemon=True)

    @property
    def is_lost(self) -> bool:
        """Whether somebody else may have the lease by now; see `Held.is_lost`."""
        return self._held.is_lost

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        every_s = self._held.record.ttl_s / _A_THIRD
        while not self._ended.wait(every_s if self.last_error is None else every_s / _SOONER):
            if self._held.is_released:
                return
            try:
                self._held.renew()
            except LeaseLost as error:
                self.last_error = error
                if not self._held.is_released:
                    self._on_lost()
                return
            except AwsError as error:
                # Told by `is_lost` when the time is over; until then, or after, the next renewal may succeed.
                self.last_error = error
            else:
                self.last_error = None
