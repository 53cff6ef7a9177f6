"""What has been seen of a window so far, over restarts of the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.traffic import Traffic
from vawsum_agent.deploy.guard.judge import Look
from vawsum_agent.deploy.guard.source import blindness

if TYPE_CHECKING:
    from vawsum_agent.core.traffic import Counted
    from vawsum_agent.deploy.guard.source import TrafficSource


class Sight:
    """Looks at one window, from ``began_at`` for ``window_s``, and remembers what it saw.

    A daemon counts for as long as it runs. When another one answers, what the one before had counted is kept, and the
    new one is asked for what came later: it goes on in the logs where the other one had stopped.

    Attributes:
        whole: all that was seen of the window.
        counted_until: up to when; the beginning of the window while nothing was seen.
        problem: why nothing is seen at the moment; empty when all is well.
    """

    def __init__(self, source: TrafficSource, began_at: float, window_s: float) -> None:
        self._source = source
        self._began_at = began_at
        self._window_s = window_s
        self._ends_at = began_at + window_s
        self._daemon = ""
        self._from_at = began_at
        self._carried = Traffic()
        self._last: Counted | None = None
        self.whole = Traffic()
        self.counted_until = began_at
        self.problem = ""

    def look(self, now: float) -> Look | None:
        """Look once; None when there is nothing to be seen, `problem` says why."""
        until_at = min(now, self._ends_at)
        try:
            if not (counted := self._ask(self._from_at, until_at, now)):
                return None
            if self._is_another(counted) and not (counted := self._ask(self._from_at, until_at, now)):
                return None
            parts = [self._ask(max(self._from_at, until_at - self._window_s / part), until_at, now) for part in (2, 4)]
        except AgentError as error:
            self.problem = str(error)
            return None
        if not all(parts):
            return None
        self._last = counted
        self.whole = self._carried.plus(counted.traffic)
        self.counted_until = max(self.counted_until, min(counted.counted_until or 0.0, now))
        half, quarter = (part.traffic for part in parts if part)
        return Look(self.whole, half, quarter, min(1.0, (now - self._began_at) / self._window_s))

    def _ask(self, from_at: float, until_at: float, now: float) -> Counted | None:
        counted = self._source.ask(from_at, until_at)
        self.problem = blindness(counted, now)
        if not self.problem and counted.since >= self._ends_at and not self._daemon:
            self.problem = "the daemon began to count when the window was over"
        return None if self.problem else counted

    def _is_another(self, counted: Counted) -> bool:
        """Notice another daemon, and from when on it is to be asked."""
        is_another = self._daemon not in ("", counted.daemon)
        self._daemon = counted.daemon
        if is_another and self._last is not None:
            self._carried = self._carried.plus(self._last.traffic)
            self._last = None
            self._from_at = max(self._from_at, min(self.counted_until, self._ends_at))
        return is_another
