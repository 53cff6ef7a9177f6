"""Whether a release does harm, from this host's own requests before it and since. Pure.

**5xx**: the share of requests that a release may answer 5xx is the configured ceiling; on a host that was doing badly
before, half as many again as before. It is exceeded when

- at the window's end, the whole window has more, or its second half, when the release had warmed up; and as many would
  not have come about on the old release by chance;
- earlier, and in the latest quarter alone, more than chance explains on a host that keeps to that share. Looking every
  other second at ever new parts would else, sooner or later, find one that is bad by accident.

**Latency**: the slowest tenth of requests. The first half of the window is for warming up; then the latest half and the
latest quarter of it both have to be slower than the configured factor allows, and slower than `QUICK_MS`.

Fewer requests than `min_requests` say nothing: neither now nor, of latency, before.
"""

from __future__ import annotations

from math import exp, inf, log
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from vawsum_agent.config.model import DeployGuard
    from vawsum_agent.core.traffic import Traffic

QUICK_MS = 50.0
"""Nobody takes a release back for being slower than before and still as quick as this."""

SLOWEST_TENTH = 0.9

_WORSE = 0.5
_MOST_CHANCE_EARLY = 0.001
_MOST_CHANCE_AT_END = 0.02

Reason = Literal["", "5xx", "latency"]


class Verdict(msgspec.Struct, frozen=True):
    """What figures come to; ``line`` says which, for people, when they are ``exceeded``."""

    reason: Reason = ""
    line: str = ""

    @property
    def is_exceeded(self) -> bool:
        """Whether the release has to be taken back."""
        return bool(self.reason)


class Look(NamedTuple):
    """What one look at the window found.

    Attributes:
        whole: since the host is back in service.
        half, quarter: the latest part of it, a half and a quarter of the whole window long.
        passed: how much of the window is over, from 0 to 1.
    """

    whole: Traffic
    half: Traffic
    quarter: Traffic
    passed: float


WELL = Verdict()


def judge(baseline: Traffic, look: Look, limits: DeployGuard) -> Verdict:
    """Judge one look. ``baseline`` is of before the drain."""
    is_end = look.passed >= 1
    for traffic, where in ((look.whole, ""), (look.half, "of late, "), (look.quarter, "of late, ")):
        verdict = judge_errors(baseline, traffic, limits, is_end=is_end and traffic is not look.quarter)
        if verdict.is_exceeded:
            return Verdict(verdict.reason, where + verdict.line)
    return _judge_latency(baseline, look, limits) if look.passed >= 0.5 else WELL  # noqa: PLR2004 - the first half


def judge_errors(baseline: Traffic, now: Traffic, limits: DeployGuard, *, is_end: bool) -> Verdict:
    """Judge the share answered 5xx: to the letter when ``is_end``, else only what chance does not explain."""
    before = _ratio_before(baseline, limits)
    allowed = max(limits.max_5xx_ratio, before + _WORSE * min(before, 1 - before))
    ratio = now.ratio_5xx
    if now.requests < limits.min_requests or ratio <= allowed:
        return WELL
    usual, most = (before, _MOST_CHANCE_AT_END) if is_end else (allowed, _MOST_CHANCE_EARLY)
    if chance(now, usual) > most:
        return WELL
    known = f"{ratio_text(baseline.ratio_5xx)} before" if baseline.requests else "none known before"
    line = f"{ratio_text(ratio)} of {now.requests:,} requests answered 5xx; {known}, {ratio_text(allowed)} allowed"
    return Verdict("5xx", line + _where(now))


def _ratio_before(baseline: Traffic, limits: DeployGuard) -> float:
    """The share before; of few requests only where it was beyond the ceiling for certain."""
    is_known = baseline.requests >= limits.min_requests
    is_bad = chance(baseline, limits.max_5xx_ratio) <= _MOST_CHANCE_AT_END
    return baseline.ratio_5xx if is_known or is_bad else 0.0


def chance(traffic: Traffic, ratio: float) -> float:
    """How likely so many 5xx or more are, at most, where each request has one with a probability of ``ratio``.

    Chernoff's bound of the binomial distribution; 1 where there are no more than are to be expected.
    """
    found = traffic.ratio_5xx
    if found <= ratio:
        return 1.0
    if ratio <= 0:
        return 0.0
    surplus = found * log(found / ratio) + ((1 - found) * log((1 - found) / (1 - ratio)) if found < 1 else 0.0)
    return exp(-traffic.requests * surplus)


def _judge_latency(baseline: Traffic, look: Look, limits: DeployGuard) -> Verdict:
    before = baseline.percentile_ms(SLOWEST_TENTH)
    if before is None or baseline.timed < limits.min_requests:
        return WELL
    allowed = max(QUICK_MS, limits.max_latency_factor * before)
    recent = [part for part in (look.half, look.quarter) if part.timed >= limits.min_requests]
    slow = [part.percentile_ms(SLOWEST_TENTH) or 0.0 for part in recent]
    if not slow or min(slow, default=inf) <= allowed:
        return WELL
    line = f"the slowest tenth of {recent[0].timed:,} requests took {slow[0]:,.0f} ms or more"
    return Verdict("latency", f"of late, {line}; {before:,.0f} ms before, {allowed:,.0f} ms allowed")


def ratio_text(ratio: float) -> str:
    """Write a share for people."""
    return f"{100 * ratio:.3g} %"


def _where(traffic: Traffic) -> str:
    """Name the virtual hosts with the most 5xx, where the logs tell any."""
    failing = sorted((-host.answers_5xx, name) for name, host in traffic.hosts.items() if host.answers_5xx and name)
    return f" ({', '.join(f'{printable(name)}: {-count:,}' for count, name in failing[:3])})" if failing else ""
