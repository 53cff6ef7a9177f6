"""Visits at a steady rate, each with an id of its own, and which of them were surely served."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.host.visits import Visit
    from sandbox.host.web import WebHost

MIX: dict[Visit, int] = {"page": 70, "script": 14, "slow": 2, "missing": 8, "order": 6}
"""How many of a hundred visits are of a kind."""

WORKERS = 8


class Traffic:
    """Visitors in threads of their own.

    Attributes:
        served: ids of visits that were answered, so that the host has logged them.
        unsure: ids of visits that broke off; the host may or may not have logged them.
    """

    def __init__(self, host: WebHost, visits_per_s: float, seed: int = 1) -> None:
        self.served: list[str] = []
        self.unsure: list[str] = []
        self._host = host
        self._pause_s = WORKERS / visits_per_s
        self._dice = random.Random(seed)
        self._last = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._visit_on, daemon=True) for _ in range(WORKERS)]

    def start(self) -> None:
        """Begin to visit."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let visits under way end and begin no more; idempotent."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def _visit_on(self) -> None:
        due = time.monotonic() + self._dice.random() * self._pause_s
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._pause_s, time.monotonic() - 1)
            self._visit_once()

    def _visit_once(self) -> None:
        with self._lock:
            self._last += 1
            number = f"{self._last:08d}"
            visit = self._dice.choices(list(MIX), list(MIX.values()))[0]
        try:
            self._host.visit(visit, number)
        except OSError:
            self.unsure.append(number)
        else:
            self.served.append(number)
