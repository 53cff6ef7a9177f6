"""Waits for AWS to get somewhere: looks, acts, says what it waits for, and ends in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.service.patience import pause_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.errors import AgentError

_SAY_EACH_S = 30.0


class Wait:
    """One wait, from now on.

    Args:
        expected_s: after which it will probably have come true.
        timeout_s: how much longer it may take.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        say: Callable[[str], None],
        expected_s: float,
        timeout_s: float,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._say = say
        self._began = clock.monotonic()
        self._expected_s = expected_s
        self._timeout_s = timeout_s
        self._said = ""
        self._said_at = self._began

    def go_on(self, waiting_for: str, trouble: AgentError | None = None) -> None:
        """Pause until it is time to look again.

        Args:
            waiting_for: a clause, such as ``web:80 to leave``; said when it changes, and now and then.
            trouble: what AWS last answered instead of doing it, or of answering.

        Raises:
            DeployError: there is no time left; carries the trouble and its hint.
        """
        waited_s = self._clock.monotonic() - self._began
        left_s = self._expected_s + self._timeout_s - waited_s
        if left_s <= 0:
            why = f": {trouble.message}" if trouble else ""
            hint = trouble.hint if trouble else ""
            raise DeployError(f"waited {waited_s:.0f} s in vain for {waiting_for}{why}", hint=hint)
        self._tell(waiting_for, trouble, waited_s, left_s)
        self._sleep(min(pause_s(waited_s, self._expected_s), left_s))

    def _tell(self, waiting_for: str, trouble: AgentError | None, waited_s: float, left_s: float) -> None:
        text = f"waiting for {waiting_for}" + (f": {trouble.message}" if trouble else "")
        if text == self._said and self._clock.monotonic() - self._said_at < _SAY_EACH_S:
            return
        self._said, self._said_at = text, self._clock.monotonic()
        expected_in_s = self._expected_s - waited_s
        expected = f"expected in {expected_in_s:.0f} s, " if expected_in_s > 0 else ""
        self._say(f"{text} ({expected}at most {left_s:.0f} s more)")
