"""The spool, against a strict CloudWatch: sampler and publisher on a clock that runs through hours in seconds."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.unit.metrics.clocks import HandClock
from tests.unit.metrics.sample.sources import METRICS, ScriptedSource
from vawsum_agent.aws.cloudwatch import MetricsClient
from vawsum_agent.aws.session import connect
from vawsum_agent.core.metric import Collected, Reading
from vawsum_agent.metrics.aggregate.seal import Sealer
from vawsum_agent.metrics.clock_jumps import ClockJumps
from vawsum_agent.metrics.publish.publisher import Publisher
from vawsum_agent.metrics.sample.rounds import Rounds
from vawsum_agent.metrics.sampler import Sampler
from vawsum_agent.state.metric_spool import ACCEPTED, DROPPED, RESENT, SPOOLED, MetricSpool
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox

HOST = (("InstanceId", "i-0abc"), ("AutoScalingGroupName", "web"))
MINUTE_S = 60
SERIES = 40
HOURS = count(3, 24)


class Host:
    """Sampler and publisher as the daemon has them, over a real store and a real client."""

    def __init__(self, folder: Path, clock: HandClock) -> None:
        self.clock = clock
        self.store = Store.open(folder / "state.db", clock)
        self.spool = MetricSpool(self.store, 64 << 20)
        self.dice = random.Random(4)
        source = ScriptedSource("host", self._collect)
        self.publisher = Publisher(
            self.spool, MetricsClient(connect("ap-south-1")), "CWAgent", 7.0, clock, random.Random(1)
        )
        self.sampler = Sampler(
            rounds=Rounds([source], 5.0, clock),
            spool=self.spool,
            sealer=Sealer(self.spool, None, {metric.name: metric for metric in METRICS}, MINUTE_S * 1000),
            sealed=self.publisher.sealed,
            jumps=ClockJumps(clock),
            interval_s=10.0,
            boot_id="boot-1",
            clock=clock,
        )

    def _collect(self) -> Collected:
        shares = [Reading("share", self.dice.uniform(0, 100), (("n", str(at)),)) for at in range(SERIES)]
        return Collected([Reading("up", 1.0), *shares])

    def run(self, until: float, *, publishes: bool = True) -> None:
        """Live until a moment of the wall clock."""
        while self.clock.wall < until:
            wait_s = self.sampler.turn()
            if publishes:
                wait_s = min(wait_s, self.publisher.turn(HOST))
            self.clock.advance(min(max(wait_s, 0.05), max(until - self.clock.wall, 0.05)))

    def flush(self) -> None:
        """Publish all there is."""
        self.sampler.finish()
        while self.spool.waiting.data_count:
            self.clock.advance(max(0.05, self.publisher.turn(HOST, is_draining=True)))


@pytest.fixture
def pointed(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox that this process's own clients go to."""
    before = dict(os.environ)
    os.environ.update(sandbox.environment())
    yield sandbox
    os.environ.clear()
    os.environ.update(before)


def minutes(sandbox: Sandbox) -> Counter[int]:
    """Count samples of `up` of this host by minute, as CloudWatch holds them."""
    found: Counter[int] = Counter()
    for row in sandbox.metric_data("up", InstanceId="i-0abc"):
        found[row.timestamp_ms // 60_000] += int(sum(row.counts))
    return found


def test_away_for_hours_and_back(pointed: Sandbox, tmp_path: Path, tell: Callable[[str], None]) -> None:
    """When CloudWatch is away 3 h, then back: every minute of the gap is there with its own timestamp; count in = count
    out.
    """  # noqa: D205 - the row as it stands in the table
    # Some seconds into the minute, so that each has six rounds well inside it. The service's clock is the machine's.
    began = (int(time.time()) // MINUTE_S - 60 * HOURS - 20) * MINUTE_S + 3
    host = Host(tmp_path, HandClock(wall=float(began)))
    host.run(began + 5 * MINUTE_S)
    fault = pointed.fault("unavailable", operation="PutMetricData")
    host.run(began + (5 + 60 * HOURS) * MINUTE_S)
    size = host.spool.waiting.size_bytes
    pointed.calm(fault)
    back_at = host.clock.wall
    host.run(back_at + 10 * MINUTE_S)
    host.flush()
    held = minutes(pointed)
    first = began // MINUTE_S
    whole = {minute: samples for minute, samples in held.items() if minute < first + 15 + 60 * HOURS}
    assert whole == dict.fromkeys(range(first, first + 15 + 60 * HOURS), 6)
    counters = host.spool.counters()
    own = [row for row in pointed.metric_data() if "InstanceId" in row.dimensions]
    assert counters[SPOOLED] == counters[ACCEPTED] == len(own)
    assert sum(value for name, value in counters.items() if name.startswith(DROPPED)) == 0
    # The minutes that it was tried with while it answered 503: as far as anybody knows, it may have taken them.
    assert counters[RESENT] <= 3 * (SERIES + 1)
    assert pointed.violations() == []
    tell(f"{len(held)} minutes, {len(own)} data; {size / 1e6:.2f} MB waited after {HOURS} h")


def test_roll_up_by_group(pointed: Sandbox, tmp_path: Path) -> None:
    """Each metric is there once more by its group alone, with the samples of all its series."""
    began = (int(time.time()) // MINUTE_S - 10) * MINUTE_S
    host = Host(tmp_path, HandClock(wall=float(began)))
    host.run(began + 3 * MINUTE_S)
    host.flush()
    rolled = [row for row in pointed.metric_data("share") if row.dimensions == {"AutoScalingGroupName": "web"}]
    single = [row for row in pointed.metric_data("share") if "InstanceId" in row.dimensions]
    assert sum(sum(row.counts) for row in rolled) == sum(sum(row.counts) for row in single) == 3 * 6 * SERIES
    assert sum(v * c for row in rolled for v, c in zip(row.values, row.counts, strict=True)) == pytest.approx(
        sum(v * c for row in single for v, c in zip(row.values, row.counts, strict=True))
    )


def test_answers_lost_after_acceptance(pointed: Sandbox, tmp_path: Path) -> None:
    """Where answers are lost after acceptance, those requests may be there twice, all of that is counted."""
    began = (int(time.time()) // MINUTE_S - 40) * MINUTE_S
    host = Host(tmp_path, HandClock(wall=float(began)))
    pointed.fault("reset_after", operation="PutMetricData", rate=0.3)
    pointed.fault("throttle", operation="PutMetricData", rate=0.2)
    host.run(began + 30 * MINUTE_S)
    pointed.calm()
    host.flush()
    own = [row for row in pointed.metric_data() if "InstanceId" in row.dimensions]
    counters = host.spool.counters()
    assert counters[SPOOLED] == counters[ACCEPTED]
    twice = [
        key
        for key, times in Counter((row.name, str(row.dimensions), row.timestamp_ms) for row in own).items()
        if times > 1
    ]
    assert 0 < len(twice) <= counters[RESENT]
    assert all(samples % 6 == 0 for samples in minutes(pointed).values())
