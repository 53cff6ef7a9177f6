"""From a block of an access log and its layout to the tallies that go with its batch: by minute, by virtual host.

Pure, so that a batch that is composed again after a crash counts the same again.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from vawsum_agent.core.requests import MOST, HostRequests, RequestTally, latency_buckets
from vawsum_agent.logs.requests.line import US_PER_S
from vawsum_agent.logs.requests.parts import BY_MINUTES_ALONE, MINUTE_MS, parts_of, spans_by_period
from vawsum_agent.logs.requests.period import Period
from vawsum_agent.logs.requests.visits import OwnVisits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.logs.batch.layout import Layout
    from vawsum_agent.logs.requests.period import Found

Tallies = list[tuple[int, bytes]]
"""An encoded `RequestTally` for each minute, named by the millisecond since the epoch at which it begins."""

Periods = dict[int, dict[str, HostRequests]]
"""What was asked of each virtual host, by the millisecond at which a minute or second begins."""

_PART_BYTES = 128 << 10
"""Lines are taken apart in portions: the pieces of a whole block would take six times its memory."""

_NO_VISITS = OwnVisits()

_LONGEST_S = 3600
_CLEARLY_US = 300


def tally(source: str, block: bytes, layout: Layout, own: OwnVisits = _NO_VISITS) -> Tallies:
    """Count the requests of a block; those too old to be sent are left out, as are lines that are none.

    Args:
        source: name of the `[[logs.source]]`.
        block: what a batch is made of.
        layout: where its lines are and when they were.
        own: what the agent itself asked for; it is left out.
    """
    return tallies_of(source, count(block, layout, own))


def count(
    block: bytes, layout: Layout, own: OwnVisits = _NO_VISITS, seconds_from_ms: int = BY_MINUTES_ALONE
) -> Periods:
    """Count as `tally` does; from a whole minute on by seconds."""
    periods: dict[int, Period] = {}
    for begin_ms, spans in spans_by_period(layout.runs, seconds_from_ms).items():
        period = Period()
        period.count(filter(None, map(own.left_out, parts_of(block, spans, _PART_BYTES))))
        if period.hosts:
            periods[begin_ms] = period
    numbers = [found.numbers for period in periods.values() for found in period.hosts.values() if found.numbers]
    factor = us_of_one(min(map(min, numbers)), max(map(max, numbers))) if numbers else 0
    return {
        begin_ms: {host.decode(): _requests_of(found, factor) for host, found in period.hosts.items()}
        for begin_ms, period in periods.items()
    }


def tallies_of(source: str, periods: Periods) -> Tallies:
    """Put together what is handed on, minute by minute; ``periods`` are used up by that."""
    minutes: Periods = {}
    for begin_ms, hosts in periods.items():
        minute_ms = begin_ms - begin_ms % MINUTE_MS
        minute = minutes.setdefault(minute_ms, hosts)
        if minute is not hosts:
            for host, counted in hosts.items():
                minute.setdefault(host, HostRequests()).add(counted)
    return [(minute_ms, _tally_of(source, hosts).encode()) for minute_ms, hosts in minutes.items()]


def us_of_one(least: int, most: int) -> int:
    """Tell how many microseconds one is worth in a log that states one number for the latency.

    ``%T`` is in whole seconds, of which most requests take 0; ``%D``, in microseconds, is never 0 and hardly ever
    below a hundred.

    Args:
        least: of all numbers that were found.
        most: likewise.

    Returns:
        0 when so few lines can't tell.
    """
    if least == 0 and most < _LONGEST_S:
        return US_PER_S
    return 1 if most >= _CLEARLY_US else 0


def _tally_of(source: str, hosts: Mapping[str, HostRequests]) -> RequestTally:
    """Of too many hosts, those with the most requests keep their names."""
    result = RequestTally(source)
    for host in sorted(hosts, key=lambda host: (-hosts[host].requests, host)):
        result.add(host, hosts[host])
    return result


def _requests_of(found: Found, factor: int) -> HostRequests:
    answers: Counter[int] = Counter()
    for status, count in found.statuses.items():
        answers[status // 100] += count
    told_us = [number * factor for number in found.numbers] if factor > 1 else found.numbers * factor
    return HostRequests(
        requests=found.statuses.total(),
        answers_2xx=answers[2],
        answers_3xx=answers[3],
        answers_4xx=answers[4],
        answers_5xx=answers[5],
        sent_bytes=min(MOST, found.sent_bytes),
        latency=dict(latency_buckets(found.certain_us + told_us)),
    )
