"""What publishing a backlog costs: a spool full of data, and a service that takes every request at once."""

from __future__ import annotations

import os
import random
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench.daemon import BenchError
from tests.bench.nginx import Nginx
from tests.bench.table import Row, Target
from vawsum_agent.aws.cloudwatch import MetricsClient
from vawsum_agent.aws.session import connect
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.metrics.aggregate.distribution import Series
from vawsum_agent.metrics.aggregate.period import chunks_of
from vawsum_agent.metrics.publish.publisher import Publisher
from vawsum_agent.state.metric_spool import MetricSpool
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.scale import Scale

_DATA = 10_000
_SERIES = 100
_VALUES = 6
_HOST = (("InstanceId", "i-0123456789abcdef0"), ("AutoScalingGroupName", "vawsum-web"))
_MINUTE_MS = 60_000
_MOST_TURNS = 1000


def publishing(directory: Path, scale: Scale) -> list[Row]:
    """Publish 10,000 spooled data, the roll-up by group besides them; measures the CPU of this process."""
    with Nginx(directory / "nginx") as nginx, _pointed_to(nginx):
        samples = [_publish(directory / f"spool-{turn}") for turn in range(scale.rounds)]
    return [Row(f"publishing {_DATA:,} spooled data", "s of CPU", samples, Target(1, is_at_most=True))]


def _publish(folder: Path) -> float:
    clock = SystemClock()
    store = Store.open(folder / "state.db", clock)
    spool = MetricSpool(store, 64 << 20)
    _fill(spool, clock.now())
    client = MetricsClient(connect("ap-south-1"))
    publisher = Publisher(spool, client, "CWAgent", 0.0, clock, random.Random(1))
    took_s = 0.0
    for _ in range(_MOST_TURNS):
        began = time.process_time()
        wait_s = publisher.turn(_HOST)
        took_s += time.process_time() - began
        if not spool.waiting.data_count:
            store.close()
            return took_s
        time.sleep(wait_s)
    message = f"{spool.waiting.data_count} data were not taken: {publisher.progress.error}"
    raise BenchError(message)


def _fill(spool: MetricSpool, now: float) -> None:
    """Put minutes of a usual host into the spool."""
    dice = random.Random(1)
    minutes = _DATA // _SERIES
    for minute in range(minutes):
        period_ms = (int(now * 1000) // _MINUTE_MS - minutes + minute) * _MINUTE_MS
        series = [
            Series(
                f"disk_used_percent_{number}",
                (("path", f"/srv/{number}"), ("fstype", "ext4")),
                "Percent",
                sorted(round(dice.uniform(0, 100), 3) for _ in range(_VALUES)),
                [1] * _VALUES,
            )
            for number in range(_SERIES)
        ]
        spool.seal(chunks_of(period_ms, series), [], lambda _: None)


@contextmanager
def _pointed_to(nginx: Nginx) -> Iterator[None]:
    """Let this process's own clients go there."""
    before = dict(os.environ)
    os.environ.update(nginx.environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
