"""The books: what was asked, how it ended, what broke a rule, how much ran at once. Read by proofs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VIOLATIONS_KEPT = 1_000


class Books:
    """Counts requests. Threads may call it at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Begin again at zero."""
        with self._lock:
            self._outcomes: Counter[tuple[str, str]] = Counter()
            self._figures: Counter[str] = Counter()
            self._violations: list[dict[str, str | float]] = []
            self._running: Counter[str] = Counter()
            self._most_at_once: Counter[str] = Counter()

    def ended(self, operation: str, outcome: str) -> None:
        """Count a request that ended: `ok`, an error code, or the fault that cut it short."""
        with self._lock:
            self._outcomes[operation, outcome] += 1

    def add(self, **figures: int) -> None:
        """Add to named figures, such as accepted events."""
        with self._lock:
            self._figures.update(figures)

    def violated(self, operation: str, target: str, code: str, message: str) -> None:
        """Note a request that broke a rule of the service."""
        with self._lock:
            self._figures["violations"] += 1
            if len(self._violations) < VIOLATIONS_KEPT:
                self._violations.append(
                    {"at": time.time(), "operation": operation, "target": target, "code": code, "message": message}
                )

    @contextmanager
    def running(self, stream: str) -> Iterator[None]:
        """Count a put on a stream as running meanwhile."""
        with self._lock:
            self._running[stream] += 1
            self._most_at_once[stream] = max(self._most_at_once[stream], self._running[stream])
        try:
            yield
        finally:
            with self._lock:
                self._running[stream] -= 1

    def violations(self) -> dict[str, Any]:
        """Return how many requests broke a rule, and the first of them."""
        with self._lock:
            return {"count": self._figures["violations"], "violations": list(self._violations)}

    def summary(self) -> dict[str, Any]:
        """Return all counts as one document."""
        with self._lock:
            by_operation: dict[str, dict[str, int]] = {}
            for (operation, outcome), count in sorted(self._outcomes.items()):
                by_operation.setdefault(operation, {})[outcome] = count
            return {
                "operations": by_operation,
                "figures": dict(self._figures),
                "most_at_once": dict(self._most_at_once),
            }
