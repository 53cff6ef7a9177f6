"""Sealing: everything that is over, in bounded memory, however much of it there is."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

from tests.unit.metrics.clocks import HandClock
from vawsum_agent.core.metric import Reading
from vawsum_agent.core.requests import HostRequests, RequestTally
from vawsum_agent.metrics.aggregate.period import decode_series
from vawsum_agent.metrics.aggregate.seal import Sealer
from vawsum_agent.metrics.aggregate.tallies import SpooledTallies
from vawsum_agent.metrics.catalogue import CATALOGUE
from vawsum_agent.metrics.sample.rounds import encode_readings
from vawsum_agent.state.metric_spool import MetricSpool
from vawsum_agent.state.request_tallies import RequestTallies, add_tallies
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from pathlib import Path

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
NOW_MS = 1_790_000_000_000 // HOUR_MS * HOUR_MS
MOST_BYTES = 24 << 20


def busy_minute(minute_ms: int) -> tuple[int, bytes]:
    """Make the tally of a minute in which fifty virtual hosts had twenty requests each."""
    tally = RequestTally("apache-access")
    for number in range(50):
        latency = {0x40C0 + number + at: 1 for at in range(20)}
        tally.add(f"host-{number}.example.com", HostRequests(20, 20, sent_bytes=9, latency=latency))
    return minute_ms, tally.encode()


def test_a_long_log_is_caught_up_with_in_bounded_memory(tmp_path: Path) -> None:
    """A log of a day with fifty virtual hosts, read at once, is sealed part by part; each request is counted once."""
    store = Store.open(tmp_path / "state.db", HandClock())
    minutes = 300
    store.write(lambda db: add_tallies(db, [busy_minute(NOW_MS - at * MINUTE_MS) for at in range(1, minutes + 1)]))
    spool = MetricSpool(store, 1 << 30)
    sealer = Sealer(spool, SpooledTallies(RequestTallies(store)), CATALOGUE, MINUTE_MS)
    tracemalloc.start()
    turns = 1
    sealer.seal(NOW_MS + 6000)
    while sealer.has_more:
        sealer.seal(NOW_MS + 6000)
        turns += 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 1 < turns < minutes
    assert peak < MOST_BYTES
    found = [one for chunk in spool.chunks(0, NOW_MS, 10_000) for one in decode_series(chunk.body)]
    assert sum(one.values[0] for one in found if one.name == "http_requests") == minutes * 50 * 20
    store.close()


def test_tallies_of_a_minute_that_is_open_are_not_looked_for_again_and_again(tmp_path: Path) -> None:
    """When only the open minute has tallies, nothing is left for the next call."""
    store = Store.open(tmp_path / "state.db", HandClock())
    store.write(lambda db: add_tallies(db, [busy_minute(NOW_MS)] * 100))
    sealer = Sealer(MetricSpool(store, 1 << 30), SpooledTallies(RequestTallies(store)), CATALOGUE, MINUTE_MS)
    sealer.seal(NOW_MS + 1000)
    assert not sealer.has_more
    store.close()


def test_an_hour_sampled_each_second_is_sealed_in_bounded_memory(tmp_path: Path) -> None:
    """The longest period with the shortest interval: rounds are read one by one, and of values only what is sent."""
    store = Store.open(tmp_path / "state.db", HandClock())
    spool = MetricSpool(store, 1 << 30)
    rounds = 1200
    for at in range(rounds):
        readings = [Reading("disk_used", at + 0.5, (("path", f"/{number}"),)) for number in range(40)]
        spool.add_round(NOW_MS + at * HOUR_MS // rounds, encode_readings(readings), b"")
    sealer = Sealer(spool, None, CATALOGUE, HOUR_MS)
    tracemalloc.start()
    sealer.seal(NOW_MS + HOUR_MS + 6000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES / 4
    (chunk,) = spool.chunks(0, NOW_MS + HOUR_MS, 10)
    series = decode_series(chunk.body)
    assert {sum(one.counts) for one in series} == {rounds}
    assert all(len(one.values) <= 150 for one in series)
    store.close()
