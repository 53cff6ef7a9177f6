"""Requests at a steady rate through the balancer, and every failure with what was asked, when, and what came back."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

WORKERS_COUNT = 12
REQUEST_LIMIT_S = 30.0
SHOWN_BYTES = 200
SHOWN_COUNT = 5


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that did not get what it should have.

    Attributes:
        number: of the request; it stands in the address that was asked for, as `n`.
        at: when it was sent, in seconds since the epoch.
        took_s: until it had failed.
        status: what was answered, 0 for nothing.
        what: what went wrong.
    """

    number: int
    at: float
    took_s: float
    status: int
    what: str

    def __str__(self) -> str:
        return f"#{self.number} at {self.at:.3f} after {self.took_s:.3f} s: {self.status or 'no answer'}, {self.what}"


def is_ok(status: int, body: bytes) -> str:
    """Say what is wrong with an answer, or nothing: 200 is what everybody should get."""
    return "" if status == 200 else body[:SHOWN_BYTES].decode(errors="replace")


class SteadyTraffic:
    """Requests at a rate that no slow answer lowers, while up to a dozen may be under way.

    Each takes a connection of its own, as most users' first requests do, and is tried once.

    Attributes:
        failures: those that failed.
        seen: how often each body came, of those that did not fail.
        slowest_s: of any request.

    Args:
        url: of the balancer, `http://127.0.0.1:8080`.
        per_s: requests a second.
        path: what to ask for; `n=` and the request's number are appended.
        host: the Host header.
        judge: says of status and body what is wrong, or nothing.
    """

    def __init__(
        self,
        url: str,
        per_s: float,
        path: str = "/",
        *,
        host: str = "app.vawsum.com",
        judge: Callable[[int, bytes], str] = is_ok,
    ) -> None:
        self.failures: list[Failure] = []
        self.seen: Counter[str] = Counter()
        self.slowest_s = 0.0
        self._address = urlsplit(url).netloc
        self._path = f"{path}{'&' if '?' in path else '?'}n="
        self._headers = {"Host": host, "User-Agent": "steady-traffic", "Connection": "close"}
        self._judge = judge
        self._per_s = per_s
        self._begun_at = 0.0
        self._asked_count = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(WORKERS_COUNT)]

    @property
    def count(self) -> int:
        """How many requests have ended."""
        with self._lock:
            return self.seen.total() + len(self.failures)

    @property
    def report(self) -> str:
        """One line for people, and the first failures."""
        with self._lock:
            count, failed = self.seen.total() + len(self.failures), list(self.failures)
        head = f"{count} requests, {len(failed)} failed, the slowest took {self.slowest_s:.2f} s"
        return "\n".join([head, *map(str, failed[:SHOWN_COUNT])])

    def start(self) -> None:
        """Begin."""
        self._begun_at = time.monotonic()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let requests under way end and begin no more; idempotent."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ask_on(self) -> None:
        while True:
            with self._lock:
                number = self._asked_count
                self._asked_count += 1
            due = self._begun_at + number / self._per_s
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            self._ask(number)

    def _ask(self, number: int) -> None:
        at, begun = time.time(), time.monotonic()
        status, body, what = 0, b"", ""
        connection = http.client.HTTPConnection(self._address, timeout=REQUEST_LIMIT_S)
        try:
            connection.request("GET", f"{self._path}{number}", headers=self._headers)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            what = f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        took_s = time.monotonic() - begun
        what = what or self._judge(status, body)
        with self._lock:
            self.slowest_s = max(self.slowest_s, took_s)
            if what:
                self.failures.append(Failure(number, at, took_s, status, what))
            else:
                self.seen[body.decode(errors="replace")] += 1
