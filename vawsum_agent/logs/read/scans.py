"""When the files are looked at again: soon after news, every second without, less often where that takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock

_EVERY_S = 1.0
_AT_MOST_EVERY_S = 0.2
_AT_LEAST_EVERY_S = 2.0
_SHARE = 1 / 150
"""Scans without news take no larger part of the time: what changes in a thousand files is told by inotify."""


class Scans:
    """Paces the scans of a reader."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_at = float("-inf")
        self._took_s = 0.0
        self._is_news_waiting = False

    def bring_forward(self) -> None:
        """Let the next one be due at once."""
        self._began_at = float("-inf")

    def is_due(self, *, was_woken: bool, is_wanted: bool) -> bool:
        """Take in whether there was news; those that come too soon after a scan wait for the next one."""
        self._is_news_waiting |= was_woken
        return self.until_next_s(is_wanted=is_wanted) <= 0

    def begin(self) -> None:
        """A scan begins; what is news from now on is news to the next one."""
        self._began_at = self._clock.monotonic()
        self._is_news_waiting = False

    def end(self) -> None:
        """It is over."""
        self._took_s = self._clock.monotonic() - self._began_at

    def until_next_s(self, *, is_wanted: bool) -> float:
        """Seconds until the next one is due; ``is_wanted``: one would get on with work, whatever the news."""
        calm_s = min(max(_EVERY_S, self._took_s / _SHARE), _AT_LEAST_EVERY_S)
        pause_s = _AT_MOST_EVERY_S if is_wanted or self._is_news_waiting else calm_s
        return self._began_at + pause_s - self._clock.monotonic()
