"""When the folder of a log is looked at again without the log itself having changed."""

from __future__ import annotations

DELAYS_S = (0.0, 0.2, 1.0, 5.0)
"""After a change, one after the other: a rotation is many renames, and a listing may miss some."""
EVERY_S = 60.0
"""Without a change: a file that was closed may grow without its folder showing it."""
ALONE_EVERY_S = 600.0
"""The same where there is no such file."""


class Pace:
    """Says when the next look is due, on the monotonic clock. What waited longest goes first."""

    def __init__(self) -> None:
        self.due = 0.0
        self._round = 0

    def restart(self, now: float) -> None:
        """Something changed: look soon, and some more times."""
        self._round = 0
        self.due = min(self.due, now)

    def looked(self, now: float, *, is_alone: bool) -> None:
        """Take note of a look."""
        if self._round < len(DELAYS_S):
            self.due = now + DELAYS_S[self._round]
            self._round += 1
        else:
            self.due = now + (ALONE_EVERY_S if is_alone else EVERY_S)
