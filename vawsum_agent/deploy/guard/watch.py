"""The guard at work: looks every other second until the window is over, and says whether the release stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.guard.judge import SLOWEST_TENTH, WELL, Look, judge, ratio_text
from vawsum_agent.deploy.guard.sight import Sight
from vawsum_agent.deploy.guard.source import LOST_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import DeployGuard
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.traffic import Traffic
    from vawsum_agent.deploy.guard.baseline import Baseline
    from vawsum_agent.deploy.guard.judge import Verdict
    from vawsum_agent.deploy.guard.source import TrafficSource

EVERY_S = 2.0
_LOOKS_A_WINDOW = 20
_SHORTEST_S = 0.25
_TELL_EVERY_S = 15.0


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged, for the history. ``p90_ms`` is None where no log tells latency."""

    reason: Literal["", "5xx", "latency", "lost"] = ""
    watched_s: float = 0.0
    requests: int = 0
    answers_5xx: int = 0
    p90_ms: float | None = None
    baseline_requests: int = 0
    baseline_5xx: int = 0
    baseline_p90_ms: float | None = None


class GuardResult(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended.

    Attributes:
        verdict: "kept": the window was watched and the release did no harm that could be seen; "exceeded": it has to
            be taken back; "unguarded": nobody could see, and it stays since the guard is not ``required``.
        line: for people; begins with the verdict's own words.
    """

    verdict: Literal["kept", "exceeded", "unguarded"]
    line: str
    figures: Figures


def watch(
    source: TrafficSource,
    baseline: Baseline,
    limits: DeployGuard,
    *,
    began_at: float,
    clock: Clock,
    sleep: Callable[[float], None],
    say: Callable[[str], None],
) -> GuardResult:
    """Watch until the window is over, or until it is clear that the release does harm.

    Changes nothing: after a crash it is called again with the same ``began_at`` and watches what is left of the window;
    what it had seen before, the daemon still has.

    A look that fails is tried again. Where the guard is required, half a minute without any is as bad as harm; where it
    is not, the release is unguarded if nothing is to be seen at the window's end.

    Args:
        source: counts.
        baseline: of before the drain.
        limits: the configured guard.
        began_at: when the host was back in service, in seconds since the epoch.
        clock: the machine's.
        sleep: waits.
        say: is told how it goes.
    """
    return _Watch(source, baseline, limits, began_at, clock, say).run(sleep)


class _Watch:
    def __init__(
        self,
        source: TrafficSource,
        baseline: Baseline,
        limits: DeployGuard,
        began_at: float,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._baseline = baseline.traffic
        # A daemon that restarts is waited for beyond the window; one that was not there before is not.
        self._beyond_s = 0.0 if baseline.problem else LOST_S
        self._limits = limits
        self._began_at = began_at
        self._clock = clock
        self._say = say
        self._sight = Sight(source, began_at, limits.window)
        # The wall clock may be set meanwhile: what is left of the window goes by the other one.
        left_s = min(limits.window, max(0.0, began_at + limits.window - clock.now()))
        self._ends_at = clock.monotonic() + left_s
        self._seen_at = clock.monotonic()
        self._tell_at = clock.monotonic()
        self._is_blindness_told = False
        if baseline.problem:
            say(f"guard: nothing is known of before, only the configured ceiling counts: {baseline.problem}")

    def run(self, sleep: Callable[[float], None]) -> GuardResult:
        """Look until there is a result."""
        every_s = min(EVERY_S, max(_SHORTEST_S, self._limits.window / _LOOKS_A_WINDOW))
        while True:
            look = self._sight.look(self._clock.now())
            result = self._blind() if look is None else self._seen(look)
            if result is not None:
                return result
            left_s = self._ends_at - self._clock.monotonic()
            sleep(min(every_s, left_s) if left_s > 0 else _SHORTEST_S)

    def _seen(self, look: Look) -> GuardResult | None:
        now = self._clock.monotonic()
        self._seen_at, self._is_blindness_told, self._beyond_s = now, False, LOST_S
        is_over = now >= self._ends_at
        # The last requests of the window are counted a moment later.
        is_end = is_over and (self._sight.counted_until >= self._window_end() or now - self._ends_at >= LOST_S)
        verdict = judge(self._baseline, look._replace(passed=1.0 if is_end else min(look.passed, 0.999)), self._limits)
        if verdict.is_exceeded:
            return self._result("exceeded", f"exceeded: {verdict.line}", verdict)
        if is_end:
            return self._result("kept", f"kept: {self._kept_because(look.whole)}")
        self._tell(look.whole)
        return None

    def _blind(self) -> GuardResult | None:
        now, problem = self._clock.monotonic(), self._sight.problem
        if not self._is_blindness_told:
            self._is_blindness_told = True
            self._say(f"guard: sees nothing at the moment: {problem}")
        is_lost = now - self._seen_at >= LOST_S
        if self._limits.required and is_lost:
            return self._result(
                "exceeded", f"exceeded: the guard is required and sees nothing: {problem}", is_lost=True
            )
        if now < self._ends_at or not (is_lost or now - self._ends_at >= self._beyond_s):
            return None
        return self._result("unguarded", f"UNGUARDED: nobody watches this release: {problem}", is_lost=True)

    def _window_end(self) -> float:
        return self._began_at + self._limits.window

    def _kept_because(self, whole: Traffic) -> str:
        if whole.requests < self._limits.min_requests:
            return f"{_summary(whole)} in {self._window()}: too few to judge by, it takes {self._limits.min_requests:,}"
        return f"{_summary(whole)} in {self._window()}{_compared(self._baseline)}"

    def _window(self) -> str:
        return format_duration(self._limits.window)

    def _tell(self, whole: Traffic) -> None:
        if self._clock.monotonic() >= self._tell_at:
            self._tell_at = self._clock.monotonic() + _TELL_EVERY_S
            left_s = max(0.0, self._ends_at - self._clock.monotonic())
            self._say(f"guard: {_summary(whole)} so far, {left_s:.0f}s to go")

    def _result(
        self,
        verdict: Literal["kept", "exceeded", "unguarded"],
        line: str,
        why: Verdict = WELL,
        *,
        is_lost: bool = False,
    ) -> GuardResult:
        whole, before = self._sight.whole, self._baseline
        figures = Figures(
            reason="lost" if is_lost else why.reason,
            watched_s=round(min(self._limits.window, self._sight.counted_until - self._began_at), 3),
            requests=whole.requests,
            answers_5xx=whole.answers_5xx,
            p90_ms=whole.percentile_ms(SLOWEST_TENTH),
            baseline_requests=before.requests,
            baseline_5xx=before.answers_5xx,
            baseline_p90_ms=before.percentile_ms(SLOWEST_TENTH),
        )
        return GuardResult(verdict=verdict, line=line, figures=figures)


def _summary(traffic: Traffic) -> str:
    if traffic.requests == 0:
        return "no request"
    p90_ms = traffic.percentile_ms(SLOWEST_TENTH)
    latency = "" if p90_ms is None else f", 9 of 10 within {p90_ms:,.0f} ms"
    return f"{traffic.requests:,} requests, {ratio_text(traffic.ratio_5xx)} of them 5xx{latency}"


def _compared(baseline: Traffic) -> str:
    return f"; before: {_summary(baseline)}" if baseline.requests else ""
