"""One pass counts for both: the tallies of a batch, and the requests of late."""

from __future__ import annotations

import time

import pytest

from tests.unit.core.test_recent_requests import SetClock
from tests.unit.logs.requests.lines import STAMP
from vawsum_agent.core.recent_requests import RecentRequests
from vawsum_agent.core.requests import RequestTally
from vawsum_agent.logs.batch.layout import TOO_OLD_MS, Layout, Run
from vawsum_agent.logs.requests.counter import RequestCounter
from vawsum_agent.logs.requests.tally import tally
from vawsum_agent.logs.requests.visits import OwnVisits

NOW = 1_790_000_040


@pytest.fixture
def recent() -> RecentRequests:
    """Nothing counted yet."""
    return RecentRequests(SetClock(NOW), "run-1")


def counter(recent: RecentRequests | None, *, keeps_tallies: bool = True) -> RequestCounter:
    """A counter."""
    return RequestCounter(OwnVisits(), recent, keeps_tallies=keeps_tallies, delay_s=2.0)


def block_of(*ages_s: int, host: str = "", status: int = 500) -> tuple[bytes, Layout]:
    """Lines of so many seconds ago."""
    line = f'{host}10.0.0.1 - - {STAMP} "GET / HTTP/1.1" {status} 5 "-" "curl/8" 2000\n'.encode()
    return line * len(ages_s), Layout([Run(len(line), (NOW - age_s) * 1000) for age_s in ages_s], is_by_line=True)


def test_both_say_the_same(recent: RecentRequests) -> None:
    """Tallies are those without anybody asking for the requests of late, which are there by their second."""
    block, layout = block_of(0, 1, 1, 30, 45, 90, 3600, 86_400, host="a.example:80 ")
    tallies = counter(recent).count("web", block, layout, 1, 0)

    def read(found: list[tuple[int, bytes]]) -> dict[int, RequestTally]:
        return {minute_ms: RequestTally.decode(body) for minute_ms, body in found}

    assert read(tallies) == read(tally("web", block, layout))
    found = recent.told(NOW - 4000, NOW + 1).traffic
    assert (found.requests, found.answers_5xx, found.timed) == (7, 7, 7)
    assert found.hosts.keys() == {"a.example"}
    assert recent.told(NOW - 1, NOW).traffic.requests == 2


def test_read_again_counts_once(recent: RecentRequests) -> None:
    """A batch that is taken back and cut elsewhere adds what is new, while its tallies are whole."""
    block, layout = block_of(5, 5, 4, 3)
    line = len(block) // 4
    counting = counter(recent)
    counting.count("web", block[: 3 * line], Layout(layout.runs[:3], is_by_line=True), 1, 1000)
    ((_, body),) = counting.count("web", block[line:], Layout(layout.runs[1:], is_by_line=True), 1, 1000 + line)
    assert RequestTally.decode(body).hosts[""].requests == 3
    assert recent.told(NOW - 60, NOW).traffic.requests == 4
    counting.count("web", block, layout, 1, 1000)
    assert recent.told(NOW - 60, NOW).traffic.requests == 4


@pytest.mark.parametrize("keeps_tallies", [True, False])
def test_only_what_is_asked_for(recent: RecentRequests, keeps_tallies: bool) -> None:
    """Where nobody publishes there are no tallies, and without a guard nothing is kept."""
    block, layout = block_of(2, 86_400)
    assert len(counter(recent, keeps_tallies=keeps_tallies).count("web", block, layout, 1, 0)) == 2 * keeps_tallies
    assert recent.told(NOW - 60, NOW).traffic.requests == 1
    assert len(counter(None, keeps_tallies=keeps_tallies).count("web", block, layout, 1, 0)) == 2 * keeps_tallies


def test_a_backlog_costs_nothing(recent: RecentRequests) -> None:
    """Old lines are not even looked at where there are no tallies to make."""
    block, layout = block_of(*[86_400 + second for second in range(20_000)])
    layout.runs[7] = Run(layout.runs[7].length, TOO_OLD_MS)
    begun = time.process_time()
    assert counter(recent, keeps_tallies=False).count("web", block, layout, 1, 0) == []
    assert time.process_time() - begun < 0.5
    assert recent.told(0, NOW).traffic.requests == 0


def test_progress_is_passed_on(recent: RecentRequests) -> None:
    """Until when all is counted is known, and how far behind that is when all is well."""
    counter(recent).progress(NOW - 3.0)
    counter(None).progress(NOW - 1.0)
    told = recent.told(0, NOW)
    assert (told.counted_until, told.delay_s) == (NOW - 3.0, 2.0)
