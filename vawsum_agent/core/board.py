"""Where the daemon posts how its components are, for those components that tell others about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.core.component import ComponentStatus


class Posted(NamedTuple):
    """How all components were, and when that was (wall time)."""

    at: float
    statuses: Sequence[ComponentStatus]


class StatusBoard:
    """Holds the latest post. One thread writes, any may read; both are single assignments."""

    def __init__(self) -> None:
        self._posted = Posted(0.0, ())

    def post(self, at: float, statuses: Sequence[ComponentStatus]) -> None:
        """Put up how the components are."""
        self._posted = Posted(at, statuses)

    def latest(self) -> Posted:
        """Read what was put up last; before the first post there is nothing on it."""
        return self._posted
