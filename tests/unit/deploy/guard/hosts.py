"""A host under traffic, in a time of its own: what the guard sees is what a daemon would count."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.config.model import DeployGuard, Seconds
from vawsum_agent.core.errors import AgentError, NotRunningError
from vawsum_agent.core.recent_requests import RecentRequests
from vawsum_agent.core.requests import HostRequests, latency_buckets
from vawsum_agent.core.traffic import STEPS, Traffic, step_of
from vawsum_agent.deploy.guard.baseline import Baseline, take_baseline
from vawsum_agent.deploy.guard.watch import watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.traffic import Counted
    from vawsum_agent.deploy.guard.watch import GuardResult

NOW = 1_790_000_000.0


def guard(window_s: float = 120.0, **keys: object) -> DeployGuard:
    """Limits, else those of the reference."""
    return DeployGuard(window=Seconds(window_s), **keys)  # type: ignore[arg-type]


def traffic(requests: int, failed: int = 0, ms: float | None = None) -> Traffic:
    """Traffic that takes the same time throughout."""
    latency = [0] * STEPS
    if ms is not None:
        latency[step_of(next(iter(latency_buckets([int(ms * 1000)]))))] = requests
    return Traffic(requests=requests, answers_5xx=failed, latency=latency if ms is not None else [])


@dataclass
class Host:
    """Answers ``rate`` requests a second while time passes, and counts them; it is its own clock and source.

    Attributes:
        fails: the share answered 5xx, of the time.
        takes_ms: how long answers take, of the time.
        lag_s: how far the counts are behind.
        error: what asking meets.
    """

    rate: int = 20
    fails: Callable[[float], float] = lambda _: 0.0
    takes_ms: Callable[[float], float] = lambda _: 20.0
    lag_s: float = 2.0
    error: AgentError | None = None
    time: float = NOW
    asked: int = 0
    said: list[str] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(5))

    def __post_init__(self) -> None:
        self.events: list[tuple[float, Callable[[], None]]] = []
        self.start_daemon("run-1")

    def start_daemon(self, run_id: str) -> None:
        """Count from now on, in a new process."""
        self.counter = RecentRequests(self, run_id)
        self.error = None
        self.counted_to = int(self.time - self.lag_s)

    def stop_daemon(self) -> None:
        """Answer no more."""
        self.error = NotRunningError("no daemon answers")

    def at(self, time: float, event: Callable[[], None]) -> None:
        """Have something happen."""
        self.events.append((time, event))

    def now(self) -> float:
        """See `Clock.now`."""
        return self.time

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.time - NOW

    def sleep(self, seconds: float) -> None:
        """Let time pass, and requests come."""
        self.time += seconds
        for event in [event for event in self.events if event[0] <= self.time]:
            self.events.remove(event)
            event[1]()
        if self.error is None:
            self._count()

    def _count(self) -> None:
        for second in range(self.counted_to, int(self.time - self.lag_s)):
            failed = sum(self.dice.random() < self.fails(second - NOW) for _ in range(self.rate))
            us = [int(1000 * self.takes_ms(second - NOW) * self.dice.uniform(0.5, 1.5)) for _ in range(self.rate)]
            one = HostRequests(requests=self.rate, answers_5xx=failed, latency=dict(latency_buckets(us)))
            self.counter.add(second, {"app.example": one})
            self.counted_to = second + 1
        self.counter.progress(self.time - self.lag_s, 2.0)

    def ask(self, from_at: float, until_at: float) -> Counted:
        """See `TrafficSource.ask`."""
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.counter.told(from_at, until_at)

    def serve(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(int(seconds)):
            self.sleep(1.0)

    def baseline(self, seconds: float = 300.0) -> Baseline:
        """Serve for a while, then begin a deploy: half a minute without requests."""
        self.serve(seconds)
        baseline = take_baseline(self, self)
        rate, self.rate = self.rate, 0
        self.serve(30)
        self.rate = rate
        return baseline

    def guarded(self, limits: DeployGuard, baseline: Baseline, began_at: float | None = None) -> GuardResult:
        """Watch the release that serves now."""
        at = self.time if began_at is None else began_at
        return watch(self, baseline, limits, began_at=at, clock=self, sleep=self.sleep, say=self.said.append)
