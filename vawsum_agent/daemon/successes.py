"""When each component succeeded last, whichever of them it was: a new one begins with what the one before knew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.core.component import ComponentStatus


class Successes:
    """Outlives components and generations; the status that the daemon writes down carries it over a restart.

    Args:
        known: by component, seconds since the epoch.
    """

    def __init__(self, known: Mapping[str, float] | None = None) -> None:
        self._known = dict(known or {})

    def complete(self, status: ComponentStatus) -> ComponentStatus:
        """Take note of a success, or add the last one that is known to a status without; called by any thread."""
        if status.last_success_at is not None:
            self._known[status.name] = status.last_success_at
            return status
        known = self._known.get(status.name)
        return status if known is None else replace(status, last_success_at=known)


def successes_in(document: Mapping[str, object], now: float) -> dict[str, float]:
    """Read them from the status of an earlier process, without those of a clock that was ahead."""
    rows = document.get("components")
    found = {}
    for row in rows if isinstance(rows, list) else []:
        if row.get("last_success_at"):
            at = datetime.fromisoformat(row["last_success_at"]).timestamp()
            if at <= now:
                found[row["name"]] = at
    return found
