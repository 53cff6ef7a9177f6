"""The sampling loop: its beat, what it does when the clock jumps, when it is killed, when the store is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.unit.metrics.clocks import HandClock
from tests.unit.metrics.sample.sources import METRICS, ScriptedSource
from vawsum_agent.core.errors import StateError
from vawsum_agent.core.metric import Collected, Reading
from vawsum_agent.metrics.aggregate.period import decode_series
from vawsum_agent.metrics.aggregate.seal import Sealer
from vawsum_agent.metrics.clock_jumps import ClockJumps
from vawsum_agent.metrics.sample.rounds import Rounds
from vawsum_agent.metrics.sampler import Sampler
from vawsum_agent.state.metric_spool import MetricSpool
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from pathlib import Path

INTERVAL_S = 10.0
MINUTE_MS = 60_000
CATALOGUE = {metric.name: metric for metric in METRICS}


class FickleSpool(MetricSpool):
    """A spool that can't be written while the test says so."""

    is_away = False

    def add_round(self, at_ms: int, body: bytes, baseline: bytes) -> None:
        """See `MetricSpool.add_round`."""
        if self.is_away:
            raise StateError("disk full")
        super().add_round(at_ms, body, baseline)


class Bench:
    """A sampler over a real store, with one source, on a clock that is moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock(wall=1_790_000_000 // 60 * 60)
        self.total = 0.0
        self.store = Store.open(folder / "state.db", self.clock)
        self.spool = FickleSpool(self.store, 1 << 20)
        self.sealed: list[int] = []
        self.sampler = self.born()

    def born(self) -> Sampler:
        """Begin as a new process does."""
        source = ScriptedSource("host", lambda: Collected([Reading("up", 1.0)], {"a": self.total}))
        self.jumps = ClockJumps(self.clock)
        return Sampler(
            rounds=Rounds([source], 5.0, self.clock),
            spool=self.spool,
            sealer=Sealer(self.spool, None, CATALOGUE, MINUTE_MS),
            sealed=self.sealed.append,
            jumps=self.jumps,
            interval_s=INTERVAL_S,
            boot_id="boot-1",
            clock=self.clock,
        )

    def run(self, seconds: float, per_s: float = 0.0) -> None:
        """Let the loop turn for a while; the source's counter grows meanwhile."""
        ends_at = self.clock.steady + seconds
        while self.clock.steady < ends_at - 1e-6:
            wait_s = min(max(self.sampler.turn(), 0.01), ends_at - self.clock.steady)
            self.clock.advance(wait_s)
            self.total += per_s * wait_s

    def samples(self) -> dict[int, float]:
        """Return how many samples each sealed minute holds, and give the minutes by their begin."""
        counts: dict[int, float] = {}
        for chunk in self.spool.chunks(0, 2**60, 10_000):
            for one in decode_series(chunk.body):
                if one.name == "up":
                    counts[chunk.period_ms] = counts.get(chunk.period_ms, 0) + sum(one.counts)
        return counts

    def increase(self) -> float:
        """Sum what the counter is said to have grown by."""
        found = [one for chunk in self.spool.chunks(0, 2**60, 10_000) for one in decode_series(chunk.body)]
        return sum(
            value * number
            for one in found
            if one.name == "requests"
            for value, number in zip(one.values, one.counts, strict=True)
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A sampler, its store and its clock."""
    return Bench(tmp_path)


def test_each_minute_is_sealed_with_all_its_rounds(bench: Bench) -> None:
    """Sampled every ten seconds, a minute is one chunk of six samples, sealed soon after its end."""
    bench.run(191)
    assert list(bench.samples().values()) == [6, 6, 6]
    assert len(bench.sealed) == 3


def test_a_kill_at_any_moment_loses_no_sample(bench: Bench) -> None:
    """When killed at any moment, 100 times, no sampled minute is missing and no increase is lost or doubled."""
    kills = count(30, 100)
    for kill in range(kills):
        bench.run(7.3 + kill % 13, per_s=2.0)
        bench.sampler = bench.born()
    bench.run(130, per_s=2.0)
    bench.sampler.finish()
    minutes = sorted(bench.samples())
    assert minutes == list(range(minutes[0], minutes[-1] + 1, MINUTE_MS))
    assert bench.increase() == pytest.approx(bench.total, abs=2.0 * INTERVAL_S + 1e-6)


def test_a_clock_that_jumps_ahead_and_back_stops_nothing(bench: Bench) -> None:
    """When the clock jumps 2 h ahead and back, scheduling goes on, each sample is kept, and it is said in status."""
    bench.run(95)
    bench.clock.wall += 7200
    bench.run(120)
    jump = bench.jumps.latest()
    assert jump is not None
    assert jump.by_s == pytest.approx(7200)
    bench.clock.wall -= 7200
    bench.run(185)
    bench.sampler.finish()
    assert sum(bench.samples().values()) == 400 / INTERVAL_S
    bench.clock.advance(3601)
    assert bench.jumps.latest() is None


def test_a_suspended_machine_makes_up_for_nothing(bench: Bench) -> None:
    """After a pause rounds go on at their beat; those that could not be taken are not taken all at once."""
    bench.run(25)
    bench.clock.advance(300)
    before = sum(bench.samples().values()) + len(bench.spool.rounds())
    bench.run(30)
    assert sum(bench.samples().values()) + len(bench.spool.rounds()) - before <= 4


def test_rounds_wait_for_a_store_that_can_not_be_written(bench: Bench) -> None:
    """While the store is away rounds are held in memory, and kept under their own time once it is back."""
    bench.spool.is_away = True
    bench.run(120)
    told = bench.sampler.store_error
    bench.spool.is_away = False
    bench.run(120)
    assert (str(told), bench.sampler.store_error) == ("disk full", None)
    bench.sampler.finish()
    assert list(bench.samples().values()) == [6, 6, 6, 6]


def test_what_an_earlier_process_left_is_sealed(bench: Bench) -> None:
    """Rounds that a killed process left behind are sealed by the next one's first turn."""
    bench.run(55)
    assert bench.samples() == {}
    bench.clock.advance(600)
    bench.sampler = bench.born()
    bench.sampler.turn()
    assert list(bench.samples().values()) == [6]
