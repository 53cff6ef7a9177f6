"""This host's own traffic of some while: the daemon counts it from access logs, the guard of a deploy asks for it.

What comes over the control socket is checked by these types: the daemon is unprivileged, its caller is root.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from vawsum_agent.core.requests import LONGEST_HOST, MOST, MOST_HOSTS, Natural, bucket_us, latency_buckets

STEPS = 65
"""Of latency: four an octave from 1 ms to 65 s; the first is all that is quicker, the last also what is slower."""

_BUCKETS_A_STEP = 4
_FIRST = next(iter(latency_buckets([1024]))) // _BUCKETS_A_STEP - 1
_US_PER_MS = 1000

Name = Annotated[str, Meta(max_length=LONGEST_HOST)]
Moment = Annotated[float, Meta(ge=0, le=MOST)]


def step_of(bucket: int) -> int:
    """Find the step in which a bucket of `latency_buckets` lies."""
    return min(max(bucket // _BUCKETS_A_STEP - _FIRST, 0), STEPS - 1)


def _begin_ms(step: int) -> float:
    return bucket_us((step + _FIRST) * _BUCKETS_A_STEP) / _US_PER_MS if step else 0.0


class HostTraffic(msgspec.Struct, frozen=True):
    """What was asked of one virtual host."""

    requests: Natural = 0
    answers_5xx: Natural = 0


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """Requests whose time lies in some while.

    Attributes:
        latency: how many of them took how long, by step (see `STEPS`); empty where the logs do not tell.
        hosts: by virtual host; empty name: the log does not tell it.
    """

    requests: Natural = 0
    answers_2xx: Natural = 0
    answers_3xx: Natural = 0
    answers_4xx: Natural = 0
    answers_5xx: Natural = 0
    latency: Annotated[list[Natural], Meta(max_length=STEPS)] = []
    hosts: Annotated[dict[Name, HostTraffic], Meta(max_length=MOST_HOSTS + 2)] = {}

    @property
    def ratio_5xx(self) -> float:
        """The share of requests answered 5xx; 0 where there are none."""
        return min(1.0, self.answers_5xx / self.requests) if self.requests else 0.0

    @property
    def timed(self) -> int:
        """How many requests told how long they took."""
        return sum(self.latency)

    def percentile_ms(self, share: float) -> float | None:
        """Give the time within which a share of the requests was answered, to a tenth; None where no log tells."""
        total = self.timed
        if total == 0:
            return None
        wanted = share * total
        step = 0
        for step, count in enumerate(self.latency):  # noqa: B007 - where it ends is what is looked for
            if count and wanted <= count:
                break
            wanted -= count
        begin_ms, end_ms = _begin_ms(step), _begin_ms(step + 1)
        return begin_ms + (end_ms - begin_ms) * min(1.0, max(0.0, wanted / max(1, self.latency[step])))

    def plus(self, other: Traffic) -> Traffic:
        """Add the traffic of another while."""
        length = max(len(self.latency), len(other.latency))
        mine, theirs = (one.latency + [0] * (length - len(one.latency)) for one in (self, other))
        hosts = dict(self.hosts)
        for name, more in other.hosts.items():
            if name in hosts or len(hosts) < MOST_HOSTS:
                known = hosts.get(name, HostTraffic())
                hosts[name] = HostTraffic(
                    _sum(known.requests, more.requests), _sum(known.answers_5xx, more.answers_5xx)
                )
        return Traffic(
            requests=_sum(self.requests, other.requests),
            answers_2xx=_sum(self.answers_2xx, other.answers_2xx),
            answers_3xx=_sum(self.answers_3xx, other.answers_3xx),
            answers_4xx=_sum(self.answers_4xx, other.answers_4xx),
            answers_5xx=_sum(self.answers_5xx, other.answers_5xx),
            latency=[*map(_sum, mine, theirs)],
            hosts=hosts,
        )


def _sum(one: int, other: int) -> int:
    return min(MOST, one + other)


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon's answer to ``GET /requests``; moments are seconds since the epoch.

    Attributes:
        daemon: of this run of the daemon alone: whoever takes differences notices a restart.
        since: when that run began to count.
        counted_until: what was logged before it is counted; None when no access log is counted at all.
        delay_s: so far behind it is when all is well: lines wait that long for a batch to fill.
        from_at, until_at: the while that was asked for.
        traffic: of that while.
    """

    daemon: Name
    since: Moment
    counted_until: Moment | None
    delay_s: Annotated[float, Meta(ge=0, le=60)]
    from_at: Moment
    until_at: Moment
    traffic: Traffic
