"""What figures come to."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.deploy.guard.hosts import guard, traffic
from vawsum_agent.core.traffic import HostTraffic, Traffic
from vawsum_agent.deploy.guard.judge import Look, Verdict, chance, judge, judge_errors

UNKNOWN = Traffic()


def at_end(baseline: Traffic, now: Traffic, **keys: object) -> Verdict:
    """Judge a whole window of whose latest part nothing is known."""
    return judge(baseline, Look(now, UNKNOWN, UNKNOWN, 1.0), guard(**keys))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "now", "is_exceeded"),
    [
        pytest.param((3000, 0), (50, 1), False, id="one of fifty is two percent, and not more"),
        pytest.param((3000, 0), (50, 2), True, id="more than the ceiling, of a host without errors"),
        pytest.param((0, 0), (50, 2), True, id="without a baseline the ceiling alone counts"),
        pytest.param((3000, 0), (49, 49), False, id="fewer than the minimum are never judged"),
        pytest.param((3000, 0), (2400, 120), True, id="five percent"),
        pytest.param((3000, 57), (2400, 53), False, id="just above the ceiling, and no worse than before"),
        pytest.param((3000, 57), (2400, 120), True, id="clearly worse than a host just below the ceiling"),
        pytest.param((3000, 30), (50, 2), False, id="two of fifty may be chance where one in a hundred failed before"),
        pytest.param((3000, 30), (50, 4), True, id="four of fifty are not"),
        pytest.param((3000, 300), (2400, 250), False, id="a sick host stays as sick: not the release's fault"),
        pytest.param((3000, 300), (2400, 300), False, id="a quarter more is no clear change"),
        pytest.param((3000, 300), (2400, 480), True, id="twice as sick"),
        pytest.param((3000, 2700), (2400, 2200), False, id="nearly dead before and after"),
        pytest.param((3000, 2700), (2400, 2400), True, id="dead altogether"),
        pytest.param((40, 20), (2400, 1100), False, id="few requests before, but sick for certain"),
        pytest.param((10, 1), (2400, 240), True, id="few requests before, which tell nothing"),
        pytest.param((3000, 3000), (2400, 2400), False, id="it can't get worse than it was"),
    ],
)
def test_errors_at_the_end(before: tuple[int, int], now: tuple[int, int], is_exceeded: bool) -> None:
    """At the window's end its whole is judged, by the ceiling and by what this host did before."""
    verdict = at_end(traffic(*before), traffic(*now))
    assert verdict.is_exceeded == is_exceeded
    assert verdict.reason == ("5xx" if is_exceeded else "")


@pytest.mark.parametrize(
    ("now", "is_exceeded"),
    [((50, 2), False), ((50, 5), False), ((50, 10), True), ((200, 10), False), ((600, 30), True), ((49, 49), False)],
)
def test_errors_before_the_end(now: tuple[int, int], is_exceeded: bool) -> None:
    """Before the end, and of its latest part, only what chance does not explain ends the watch."""
    baseline, here = traffic(3000), traffic(*now)
    assert judge(baseline, Look(here, UNKNOWN, UNKNOWN, 0.1), guard()).is_exceeded == is_exceeded
    assert judge(baseline, Look(traffic(3000), UNKNOWN, here, 1.0), guard()).is_exceeded == is_exceeded
    assert judge(baseline, Look(traffic(3000), here, UNKNOWN, 0.6), guard()).is_exceeded == is_exceeded


def test_the_second_half_counts_by_itself() -> None:
    """At the end, what a release does once it is warm is judged to the letter too."""
    look = Look(traffic(360, 6), traffic(180, 6), traffic(90, 3), 1.0)
    assert not judge(traffic(3000), look._replace(passed=0.99), guard()).is_exceeded
    assert judge(traffic(3000), look, guard()).is_exceeded


def test_a_ceiling_of_one_never_ends_anything() -> None:
    """Who allows all gets all."""
    assert not at_end(traffic(3000), traffic(3000, 3000), max_5xx_ratio=1.0).is_exceeded


def test_a_ceiling_of_zero_takes_no_error() -> None:
    """Who allows none gets none, from the minimum of requests on, at once."""
    assert judge(traffic(3000), Look(traffic(50, 1), UNKNOWN, UNKNOWN, 0.1), guard(max_5xx_ratio=0.0)).is_exceeded


@pytest.mark.parametrize(
    ("before_ms", "half_ms", "quarter_ms", "passed", "is_exceeded"),
    [
        pytest.param(100, 400, 400, 1.0, True, id="four times as slow"),
        pytest.param(100, 250, 250, 1.0, False, id="within the factor"),
        pytest.param(2, 30, 30, 1.0, False, id="much slower and still quick"),
        pytest.param(2, 80, 80, 1.0, True, id="much slower and not quick"),
        pytest.param(100, 400, 400, 0.6, True, id="before the end too"),
        pytest.param(100, 400, 400, 0.4, False, id="while it may still be warming up"),
        pytest.param(100, 400, 120, 1.0, False, id="it was slow, and is not any more"),
        pytest.param(100, 120, 400, 1.0, False, id="it is slow for a moment"),
        pytest.param(None, 400, 400, 1.0, False, id="nobody knows how it was"),
        pytest.param(100, None, None, 1.0, False, id="no log tells"),
    ],
)
def test_latency(
    before_ms: float | None, half_ms: float | None, quarter_ms: float | None, passed: float, is_exceeded: bool
) -> None:
    """The slowest tenth of the latest half and quarter is compared with before, by the factor and a floor."""
    look = Look(traffic(800), traffic(400, ms=half_ms), traffic(200, ms=quarter_ms), passed)
    verdict = judge(traffic(3000, ms=before_ms), look, guard())
    assert verdict.is_exceeded == is_exceeded
    assert verdict.reason == ("latency" if is_exceeded else "")


def test_latency_of_few_says_nothing() -> None:
    """Too few before, or too few since: not judged. A quarter with too few leaves it to the half."""
    slow, few = traffic(400, ms=900), traffic(49, ms=900)
    for baseline, half, quarter, is_exceeded in (
        (traffic(49, ms=10), slow, slow, False),
        (traffic(300, ms=10), few, few, False),
        (traffic(300, ms=10), slow, few, True),
    ):
        assert judge(baseline, Look(slow, half, quarter, 1.0), guard()).is_exceeded == is_exceeded


def test_the_line_says_which() -> None:
    """A person reads how many, of what, what was before and what is allowed; and which virtual host it was."""
    hosts = {"a.example": HostTraffic(2000, 100), "b\x1b[2J": HostTraffic(400, 20), "": HostTraffic(5, 5)}
    now = Traffic(requests=2400, answers_5xx=120, hosts=hosts)
    assert at_end(traffic(3000, 3), now).line == (
        "5 % of 2,400 requests answered 5xx; 0.1 % before, 2 % allowed (a.example: 100, b\\x1b[2J: 20)"
    )
    assert at_end(UNKNOWN, traffic(100, 50)).line == "50 % of 100 requests answered 5xx; none known before, 2 % allowed"
    slow = judge(traffic(900, ms=100), Look(UNKNOWN, traffic(400, ms=900), UNKNOWN, 1.0), guard())
    assert slow.line.startswith("of late, the slowest tenth of 400 requests took ")
    assert slow.line.endswith(" ms allowed")


@given(st.integers(1, 300), st.integers(0, 300), st.floats(0.0, 1.0))
def test_chance_is_an_upper_bound(requests: int, failed: int, ratio: float) -> None:
    """It never calls an accident impossible that the binomial distribution holds for likelier."""
    failed = min(failed, requests)
    exact = sum(
        math.comb(requests, count) * ratio**count * (1 - ratio) ** (requests - count)
        for count in range(failed, requests + 1)
    )
    assert chance(traffic(requests, failed), ratio) >= exact * (1 - 1e-6) - 1e-12


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15))
def test_any_figures_are_judged(before: int, before_5xx: int, requests: int, failed: int) -> None:
    """Whatever a daemon says it counted, there is a verdict, and none without the minimum of requests."""
    for is_end in (False, True):
        verdict = judge_errors(traffic(before, before_5xx), traffic(requests, failed), guard(), is_end=is_end)
        assert not verdict.is_exceeded or requests >= 50
