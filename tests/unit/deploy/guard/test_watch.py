"""The guard over its window, on hosts whose time passes at once."""

from __future__ import annotations

import msgspec
import pytest

from tests.counts import count
from tests.unit.deploy.guard.hosts import NOW, Host, guard
from vawsum_agent.core.errors import DeployError, NotRunningError
from vawsum_agent.deploy.guard.baseline import Baseline, require_guard, take_baseline

BEGAN_S = 330.0
"""When the release is in service: after the baseline and a drain."""


def after(seconds: float, value: float, otherwise: float = 0.0) -> float:
    """A value once the release has served for so long, given how long it has."""
    return value if seconds >= 0 else otherwise


def test_a_good_release_is_kept() -> None:
    """When nothing changes, then it is watched to the end of the window, and kept."""
    host = Host(fails=lambda _: 0.005)
    result = host.guarded(guard(), host.baseline())
    assert result.verdict == "kept"
    assert result.line.startswith("kept: 2,400 requests, 0.")
    assert "; before: 6,000 requests, 0." in result.line
    assert result.figures.watched_s == 120.0
    assert host.time == pytest.approx(NOW + BEGAN_S + 122, abs=2)
    assert any("so far" in line for line in host.said)


def test_a_release_that_fails_is_seen_at_once() -> None:
    """When each tenth answer is a 500 from the start, then it is over within seconds."""
    host = Host(fails=lambda at: after(at - BEGAN_S, 0.1))
    result = host.guarded(guard(), host.baseline())
    assert (result.verdict, result.figures.reason) == ("exceeded", "5xx")
    assert host.time < NOW + BEGAN_S + 40
    assert "app.example" in result.line


@pytest.mark.parametrize("warm_s", [0, 30, 60])
@pytest.mark.parametrize("rate", [3, 20])
def test_errors_after_warming_up(warm_s: int, rate: int) -> None:
    """When a release answers 500 to 5 % of requests, only after warming up, then it goes within the window."""
    host = Host(rate=rate, fails=lambda at: after(at - BEGAN_S - warm_s, 0.05))
    host.dice.seed(6)
    result = host.guarded(guard(), host.baseline())
    assert (result.verdict, result.figures.reason) == ("exceeded", "5xx")
    assert host.time <= NOW + BEGAN_S + 120 + 4


def test_errors_late_on_a_busy_host() -> None:
    """When they only begin in the window's last quarter, then a busy host's figures suffice."""
    host = Host(rate=60, fails=lambda at: after(at - BEGAN_S - 95, 0.05))
    assert host.guarded(guard(), host.baseline()).verdict == "exceeded"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.018, 0.1])
def test_hardly_a_false_alarm(share: float) -> None:
    """When a release fails as often as the one before, then it is blamed once in twenty times at most."""
    seeds = count(3, 100)
    blamed = 0
    for seed in range(seeds):
        host = Host(rate=8, fails=lambda _: share)
        host.dice.seed(seed)
        blamed += host.guarded(guard(), host.baseline()).verdict != "kept"
    assert blamed <= seeds / 20


def test_slow_while_warming_up() -> None:
    """When the first quarter of a minute is slow, then it stays; when all is, it goes before the end."""
    host = Host(takes_ms=lambda at: 20.0 if not 0 <= at - BEGAN_S < 20 else 900.0)
    assert host.guarded(guard(), host.baseline()).verdict == "kept"
    host = Host(takes_ms=lambda at: after(at - BEGAN_S, 900.0, 20.0))
    result = host.guarded(guard(), host.baseline())
    assert (result.verdict, result.figures.reason) == ("exceeded", "latency")
    assert host.time < NOW + BEGAN_S + 80


def test_few_requests_are_not_judged() -> None:
    """When hardly anybody comes, then it says so, whatever they got."""
    host = Host(rate=0)
    result = host.guarded(guard(), host.baseline())
    assert result.line == "kept: no request in 2m: too few to judge by, it takes 50"
    host = Host(rate=1, fails=lambda at: after(at - BEGAN_S, 1.0))
    result = host.guarded(guard(window_s=30.0), host.baseline())
    assert (result.verdict, result.figures.requests) == ("kept", 30)


def test_what_is_left_of_the_window() -> None:
    """When its process dies and is started again, then it sees all of the window, and ends at the same moment."""
    host = Host(fails=lambda at: after(at - BEGAN_S, 0.03) if at < BEGAN_S + 60 else 0.0)
    baseline = msgspec.json.decode(msgspec.json.encode(host.baseline()), type=Baseline)
    began_at = host.time
    host.serve(100)
    result = host.guarded(guard(max_5xx_ratio=0.01), baseline, began_at)
    assert result.verdict == "exceeded"
    assert host.time <= began_at + 124
    host = Host()
    baseline, began_at = host.baseline(), host.time
    host.serve(500)
    result = host.guarded(guard(), baseline, began_at)
    assert (result.verdict, result.figures.requests) == ("kept", 2400)


def test_the_daemon_restarts() -> None:
    """When the daemon restarts meanwhile, then what it had counted counts with what the next one counts."""
    host = Host(rate=20, fails=lambda at: after(at - BEGAN_S, 0.03))
    baseline, began_at = host.baseline(), host.time
    host.at(began_at + 50, host.stop_daemon)
    host.at(began_at + 65, lambda: host.start_daemon("run-2"))
    host.at(began_at + 66, lambda: setattr(host, "counted_to", int(began_at + 48)))
    result = host.guarded(guard(), baseline, began_at)
    assert result.verdict == "exceeded"
    assert result.figures.requests == pytest.approx(2400, abs=60)
    assert "guard: sees nothing at the moment: no daemon answers" in host.said


def test_nobody_counts() -> None:
    """When no daemon runs, then it says so loudly and keeps; and where it is required, takes back within the minute."""
    host = Host()
    baseline, began_at = host.baseline(), host.time
    host.at(began_at + 10, host.stop_daemon)
    result = host.guarded(guard(), baseline, began_at)
    assert (result.verdict, result.figures.reason) == ("unguarded", "lost")
    assert result.line == "UNGUARDED: nobody watches this release: no daemon answers"
    assert host.time == pytest.approx(began_at + 120, abs=2)
    assert result.figures.watched_s < 12
    host = Host()
    baseline, began_at = host.baseline(), host.time
    host.at(began_at + 10, host.stop_daemon)
    result = host.guarded(guard(required=True), baseline, began_at)
    assert (result.verdict, result.figures.reason) == ("exceeded", "lost")
    assert result.line == "exceeded: the guard is required and sees nothing: no daemon answers"
    assert host.time < began_at + 45


def test_nobody_counted_before() -> None:
    """When no daemon ran before either, then nobody waits for it beyond a short window."""
    host = Host()
    host.stop_daemon()
    baseline, began_at = host.baseline(), host.time
    assert host.guarded(guard(window_s=5.0), baseline, began_at).verdict == "unguarded"
    assert host.time == pytest.approx(began_at + 5, abs=1)
    host = Host()
    baseline, began_at = host.baseline(), host.time
    host.at(began_at + 2, host.stop_daemon)
    host.at(began_at + 12, lambda: host.start_daemon("run-2"))
    assert host.guarded(guard(window_s=5.0), baseline, began_at).verdict == "kept"


def test_counts_that_stand_still() -> None:
    """When the daemon answers and reads no logs any more, then that is as if nobody counted."""
    host = Host()
    baseline, began_at = host.baseline(), host.time
    host.at(began_at + 60, lambda: setattr(host, "lag_s", 10_000.0))
    result = host.guarded(guard(), baseline, began_at)
    assert result.verdict == "unguarded"
    assert "behind in the access logs" in result.line


def test_a_window_that_nobody_saw() -> None:
    """When the host was rebooted and the window is over before any daemon counts, then it was unguarded."""
    host = Host()
    baseline, began_at = host.baseline(), host.time
    host.stop_daemon()
    host.serve(500)
    host.start_daemon("run-2")
    result = host.guarded(guard(), baseline, began_at)
    assert (result.verdict, result.figures.watched_s) == ("unguarded", 0.0)
    assert "began to count when the window was over" in result.line


def test_the_clock_is_set() -> None:
    """When the wall clock is set back by an hour, then the window still ends."""
    host = Host()
    baseline, began_at = host.baseline(), host.time
    host.time -= 3600
    begun = host.monotonic()
    assert host.guarded(guard(), baseline, began_at).verdict in ("kept", "unguarded")
    assert host.monotonic() - begun < 160


def test_it_does_not_ask_without_end() -> None:
    """The daemon is asked every other second, three times."""
    host = Host()
    baseline = host.baseline()
    asked = host.asked
    host.guarded(guard(), baseline)
    assert host.asked - asked < 3 * 120


def test_without_a_baseline() -> None:
    """When nothing is known of before, then that is said, and the ceiling counts."""
    host = Host()
    host.stop_daemon()
    baseline = take_baseline(host, host)
    assert (baseline.problem, baseline.traffic.requests) == ("no daemon answers", 0)
    host.start_daemon("run-1")
    host.fails = lambda _: 0.04
    result = host.guarded(guard(), baseline)
    assert result.verdict == "exceeded"
    assert host.said[0].startswith("guard: nothing is known of before, only the configured ceiling counts: no daemon")


def test_a_baseline_begins_after_the_last_release() -> None:
    """When a bad release was taken back a minute ago, then what it did is no measure."""
    host = Host(fails=lambda at: 0.5 if at < 200 else 0.0)
    host.serve(300)
    assert take_baseline(host, host).traffic.ratio_5xx > 0.2
    assert take_baseline(host, host, not_before=NOW + 205).traffic.ratio_5xx == 0
    assert take_baseline(host, host, not_before=host.time + 50).traffic.requests == 0


def test_required_is_asked_for_before_anything_begins() -> None:
    """A required guard that would see nothing refuses; one that sees lets it begin."""
    host = Host()
    with pytest.raises(
        DeployError, match=r"the guard is required and would see nothing: the daemon counts no requests"
    ):
        require_guard(host, host)
    host.serve(5)
    require_guard(host, host)
    host.time += 300
    with pytest.raises(DeployError, match="behind in the access logs"):
        require_guard(host, host)
    host.error = NotRunningError("no daemon answers", hint="start it")
    with pytest.raises(DeployError, match=r"no daemon answers \(start it\)") as caught:
        require_guard(host, host)
    assert "nothing has changed" in caught.value.hint
