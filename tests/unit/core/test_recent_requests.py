"""Requests of late: by their own time, once each, within bounds."""

from __future__ import annotations

import json
import tracemalloc

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.recent_requests import KEPT_S, RecentRequests
from vawsum_agent.core.requests import MOST_HOSTS, OTHER_HOSTS, HostRequests, latency_buckets
from vawsum_agent.core.traffic import STEPS, Counted, HostTraffic, Traffic

NOW = 1_790_000_000


class SetClock:
    """A clock that stands still."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def now(self) -> float:
        """The time that was set."""
        return self.time

    def monotonic(self) -> float:
        """Likewise."""
        return self.time


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still."""
    return SetClock()


@pytest.fixture
def recent(clock: SetClock) -> RecentRequests:
    """Nothing counted yet."""
    return RecentRequests(clock, "run-1")


def asked(requests: int, failed: int = 0, us: int | None = None) -> HostRequests:
    """Requests of one host."""
    latency = dict(latency_buckets([us] * requests)) if us is not None else {}
    return HostRequests(requests=requests, answers_2xx=requests - failed, answers_5xx=failed, latency=latency)


def test_requests_lie_in_their_own_seconds(recent: RecentRequests) -> None:
    """A while holds the seconds that begin in it, whenever they were counted."""
    recent.add(NOW - 5, {"a": asked(3, 1)})
    recent.add(NOW - 9, {"a": asked(4)})
    recent.add(NOW - 5, {"b": asked(2)})
    assert recent.told(NOW - 5, NOW).traffic.requests == 5
    assert recent.told(NOW - 9, NOW - 5).traffic.requests == 4
    assert recent.told(NOW - 4, NOW).traffic == Traffic(latency=[0] * STEPS)
    found = recent.told(NOW - 9, NOW).traffic
    assert (found.requests, found.answers_2xx, found.answers_5xx) == (9, 8, 1)
    assert found.hosts == {"a": HostTraffic(7, 1), "b": HostTraffic(2, 0)}


def test_a_backlog_is_no_traffic_of_now(recent: RecentRequests) -> None:
    """What is older than is kept, or of a time to come, counts nowhere."""
    for second in (NOW - 86_400, NOW - KEPT_S - 60, NOW + 61):
        recent.add(second, {"": asked(1)})
    assert recent.told(0, NOW + 10_000).traffic.requests == 0


def test_nothing_is_lost_within_the_longest_window(recent: RecentRequests, clock: SetClock) -> None:
    """Every second's requests are there over an hour later, then they go."""
    for passed in range(KEPT_S):
        clock.time = NOW + passed
        recent.add(int(clock.time), {"": asked(1)})
    assert recent.told(NOW, clock.time + 1).traffic.requests == KEPT_S
    assert recent.told(clock.time - 299, clock.time + 1).traffic.requests == 300
    assert recent.told(clock.time - 1999, clock.time + 1).traffic.requests == pytest.approx(2000, abs=10)
    clock.time += KEPT_S + 120
    recent.add(int(clock.time), {"": asked(1)})
    assert recent.told(0, clock.time + 1).traffic.requests == 1


def test_it_stays_small(recent: RecentRequests, clock: SetClock) -> None:
    """An hour with requests of many hosts in each second, as slow and as quick as can be, takes below two megabytes."""
    hosts = {f"h{number}": HostRequests(requests=1, latency={16_000 + number: 1}) for number in range(60)}
    tracemalloc.start()
    for passed in range(0, KEPT_S, 2):
        clock.time = NOW + passed
        recent.add(int(clock.time), hosts)
        recent.take(passed, 0, 10)
    for file_id in range(10_000):
        recent.take(file_id, 0, 1)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 2 << 20
    found = recent.told(clock.time - 10, clock.time + 1).traffic
    assert len(found.hosts) == MOST_HOSTS + 2
    assert sum(host.requests for host in found.hosts.values()) == found.requests
    assert found.hosts[OTHER_HOSTS].requests > found.hosts["h0"].requests


def test_bytes_count_once(recent: RecentRequests) -> None:
    """What is read again is told apart from what is new, by file."""
    assert recent.take(1, 0, 100) == 0
    assert recent.take(1, 0, 100) == 100
    assert recent.take(1, 50, 150) == 100
    assert recent.take(1, 400, 500) == 400
    assert recent.take(2, 50, 150) == 50


def test_progress_only_grows(recent: RecentRequests, clock: SetClock) -> None:
    """Until when all is counted never goes back or into the future, unless the clock was set back."""
    assert recent.told(0, NOW).counted_until is None
    seen = []
    for until in (NOW - 9, NOW - 20, NOW + 100, NOW - 5):
        recent.progress(until, 2.0)
        seen.append(recent.told(0, NOW).counted_until)
    assert seen == [NOW - 9, NOW - 9, NOW, NOW]
    clock.time = NOW - 3600
    recent.progress(clock.time - 1, 2.0)
    assert recent.told(0, NOW).counted_until == clock.time - 1


def test_the_answer_passes_its_own_check(recent: RecentRequests) -> None:
    """What is told over the socket is what its reader takes."""
    recent.add(NOW - 1, {"a.example": asked(40, 3, us=12_000), "": asked(1)})
    recent.progress(NOW - 1, 2.0)
    told = recent.told(NOW - 60, NOW)
    assert msgspec.json.decode(json.dumps(msgspec.to_builtins(told)), type=Counted) == told


@given(st.lists(st.integers(0, 200_000_000), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 1.0]))
def test_percentiles_are_near(values_us: list[int], share: float) -> None:
    """A percentile is that of the values, to a quarter; what is below a millisecond or above a minute is not told."""
    recent = RecentRequests(SetClock(), "run-1")
    recent.add(NOW, {"": HostRequests(requests=len(values_us), latency=dict(latency_buckets(values_us)))})
    found = recent.told(NOW, NOW + 1).traffic.percentile_ms(share)
    exact_ms = sorted(values_us)[max(0, -int(-len(values_us) * share // 1) - 1)] / 1000
    assert found is not None
    assert found == pytest.approx(min(max(exact_ms, 1), 65_000), rel=0.3, abs=1)


def test_sums() -> None:
    """Traffic of two whiles is added up, also where one of them says less."""
    one = Traffic(requests=3, answers_5xx=1, latency=[1, 2], hosts={"a": HostTraffic(3, 1)})
    other = Traffic(requests=2, hosts={"a": HostTraffic(1, 0), "b": HostTraffic(1, 0)})
    both = one.plus(other)
    assert both == other.plus(one)
    assert (both.requests, both.ratio_5xx, both.timed) == (5, 0.2, 3)
    assert both.hosts == {"a": HostTraffic(4, 1), "b": HostTraffic(1, 0)}
    assert (Traffic().ratio_5xx, Traffic().percentile_ms(0.9)) == (0.0, None)
