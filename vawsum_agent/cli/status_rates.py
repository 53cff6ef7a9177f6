"""How fast components get things accepted, told from statuses of the last minute. Pure."""

from __future__ import annotations

from collections import deque
from typing import Any

LONGEST_S = 60.0
SHORTEST_S = 1.0
"""Over less time a rate says nothing."""


def rate_of_folder(component: str, folder: str) -> str:
    """Name the rate at which files of a folder are done; components are called otherwise."""
    return f"{component}/{folder}"


class Rates:
    """What AWS took in a second, over a minute at most.

    Bytes of each component that follows or moves files, by its name; files of each folder, by `rate_of_folder`.
    """

    def __init__(self) -> None:
        self._looks: deque[tuple[float, dict[str, int]]] = deque()

    def after(self, document: dict[str, Any], now: float) -> dict[str, float]:
        """Add a look; nothing of a component that is seen the first time, or counts anew."""
        seen = {name: total for row in document["components"] for name, total in _totals(row).items()}
        if self._looks and any(seen[name] < count for name, count in self._looks[-1][1].items() if name in seen):
            self._looks.clear()
        while self._looks and not 0 <= now - self._looks[0][0] <= LONGEST_S:
            self._looks.popleft()
        self._looks.append((now, seen))
        at, before = self._looks[0]
        if now - at < SHORTEST_S:
            return {}
        return {name: (count - before[name]) / (now - at) for name, count in seen.items() if name in before}


def _totals(row: dict[str, Any]) -> dict[str, int]:
    details = row["details"]
    if "files" in details:
        return {row["name"]: _accepted(details)}
    done = {folder["name"]: _done(folder) for folder in details.get("folders", ())}
    if not done:
        return {}
    files = {rate_of_folder(row["name"], name): count for name, (count, _) in done.items()}
    return {row["name"]: sum(size_bytes for _, size_bytes in done.values())} | files


def _accepted(details: dict[str, Any]) -> int:
    folded = sum(total.get("accepted_bytes", 0) for total in details.get("folded", {}).values())
    return int(sum(file.get("accepted_bytes", 0) for file in details["files"]) + folded)


def _done(folder: dict[str, Any]) -> tuple[int, int]:
    """Count files and bytes that were moved or copied."""
    count = folder.get("moved_count", 0) + folder.get("copied_count", 0)
    return count, folder.get("moved_bytes", 0) + folder.get("copied_bytes", 0)
