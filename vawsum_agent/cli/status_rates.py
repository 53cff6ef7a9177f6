"""How fast components get things accepted, told from statuses of the last minute. Pure."""

from __future__ import annotations

from collections import deque
from typing import Any

LONGEST_S = 60.0
SHORTEST_S = 1.0
"""Over less time a rate says nothing."""


class Rates:
    """Bytes a second that CloudWatch accepted of each component that follows files, over a minute at most."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, dict[str, int]]] = deque()

    def after(self, document: dict[str, Any], now: float) -> dict[str, float]:
        """Add a look; nothing of a component that is seen the first time, or counts anew."""
        seen = {row["name"]: _accepted(row) for row in document["components"] if "files" in row["details"]}
        if self._looks and any(seen[name] < count for name, count in self._looks[-1][1].items() if name in seen):
            self._looks.clear()
        while self._looks and not 0 <= now - self._looks[0][0] <= LONGEST_S:
            self._looks.popleft()
        self._looks.append((now, seen))
        at, before = self._looks[0]
        if now - at < SHORTEST_S:
            return {}
        return {name: (count - before[name]) / (now - at) for name, count in seen.items() if name in before}


def _accepted(row: dict[str, Any]) -> int:
    details = row["details"]
    folded = sum(total.get("accepted_bytes", 0) for total in details.get("folded", {}).values())
    return int(sum(file.get("accepted_bytes", 0) for file in details["files"]) + folded)
