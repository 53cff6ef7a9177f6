"""Publishing: fresh data on time, what waits oldest first, nothing lost, twice only what had no answer."""

from __future__ import annotations

import gzip
import random
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.unit.metrics.clocks import HandClock
from vawsum_agent.core.errors import AccessDenied, AwsError, Rejected, StateError, Throttled, Unavailable
from vawsum_agent.metrics.aggregate.distribution import Series
from vawsum_agent.metrics.aggregate.period import chunks_of
from vawsum_agent.metrics.publish.publisher import NEWEST_S, OLDEST_S, Publisher
from vawsum_agent.state.metric_spool import ACCEPTED, DROPPED, RESENT, MetricSpool
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

HOST = (("InstanceId", "i-0abc"),)
MINUTE_S = 60
PHASE_S = 20.0


def nothing(_db: sqlite3.Connection) -> None:
    """Forget no tallies."""


class Service:
    """Takes requests, or answers what the test says; remembers what it holds."""

    def __init__(self) -> None:
        self.held: list[tuple[str, int]] = []
        self.refuses: Callable[[list[tuple[str, int]]], Exception | None] = lambda _: None
        self.loses_answers = False
        self.requests = 0

    def put(self, _namespace: str, body: bytes) -> None:
        """See `Client.put`."""
        self.requests += 1
        rows = orjson.loads(gzip.decompress(body))["MetricData"]
        data = [(row["MetricName"], row["Timestamp"]) for row in rows]
        error = self.refuses(data)
        if error is not None:
            raise error
        self.held += data
        if self.loses_answers:
            raise Unavailable("no answer")


class Bench:
    """A publisher over a real store."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock(wall=1_790_000_000 // MINUTE_S * MINUTE_S)
        self.service = Service()
        self.spool = MetricSpool(Store.open(folder / "state.db", self.clock), 1 << 20)
        self.publisher = self.born()

    def born(self) -> Publisher:
        """Begin as a new process does."""
        return Publisher(self.spool, self.service, "CWAgent", PHASE_S, self.clock, random.Random(1))

    def seal(self, minutes_ago: float, *names: str) -> int:
        """Put data of a minute into the spool; returns when it began."""
        period_ms = int(self.clock.wall - minutes_ago * MINUTE_S) * 1000
        series = [Series(name, (), "Count", [1.0], [1]) for name in names or ("m",)]
        self.spool.seal(chunks_of(period_ms, series), [], nothing)
        return period_ms

    def run(self, seconds: float) -> None:
        """Let the loop turn for a while."""
        ends_at = self.clock.steady + seconds
        while self.clock.steady < ends_at:
            wait_s = self.publisher.turn(HOST)
            self.clock.advance(min(max(wait_s, 0.01), ends_at - self.clock.steady + 0.001))

    def minutes_held(self) -> list[int]:
        """Return the minutes that arrived, as minutes before now, in the order of arrival."""
        return [round((self.clock.wall - at) / MINUTE_S) for _, at in self.service.held]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A publisher, its service and its clock."""
    return Bench(tmp_path)


def test_fresh_data_wait_for_the_hosts_moment(bench: Bench) -> None:
    """A sealed minute is published at this host's moment of the minute, not before."""
    bench.publisher.sealed(bench.seal(1))
    bench.run(PHASE_S - 1)
    assert bench.service.held == []
    bench.run(2)
    assert len(bench.service.held) == 1


def test_a_backlog_goes_oldest_first(bench: Bench) -> None:
    """After an outage the minutes of the gap arrive oldest first, each under its own time: count in = count out."""
    for minutes_ago in (90, 180, 2, 30):
        bench.seal(minutes_ago, *(f"m{number}" for number in range(390)))
    bench.run(10)
    ages = bench.minutes_held()
    assert ages == sorted(ages, reverse=True)
    assert set(ages) == {180, 90, 30, 2}
    assert bench.spool.counters()[ACCEPTED] == len(bench.service.held) == 4 * 390
    assert bench.spool.waiting.data_count == 0


def test_a_backlog_does_not_delay_fresh_data(bench: Bench) -> None:
    """While days are caught up, the last minute is published at its moment as always."""
    for minutes_ago in range(300, 2, -1):
        bench.seal(minutes_ago, *(f"m{number}" for number in range(390)))
    bench.publisher.sealed(bench.seal(1, "fresh"))
    fresh_at = bench.clock.steady + PHASE_S
    while not any(name == "fresh" for name, _ in bench.service.held):
        bench.run(0.3)
        assert bench.clock.steady < fresh_at + 1
    assert bench.spool.waiting.data_count > 0


@pytest.mark.parametrize(
    "error", [Throttled("slow down"), AccessDenied("no"), Unavailable("refused", maybe_done=False)]
)
def test_what_was_not_carried_out_is_sent_again_and_not_counted(bench: Bench, error: AwsError) -> None:
    """A request that was provably not carried out is repeated after a backoff and doubles nothing."""
    bench.seal(5)
    bench.service.refuses = lambda _: error
    bench.run(100)
    assert 3 <= bench.service.requests <= 12
    assert bench.publisher.progress.error is error
    bench.service.refuses = lambda _: None
    bench.run(70)
    assert len(bench.service.held) == 1
    assert bench.spool.counters()[RESENT] == 0
    assert bench.publisher.progress.error is None


def test_a_drain_waits_for_no_backoff(bench: Bench) -> None:
    """After hours away the next try may be a minute off; the daemon that is told to stop tries at once."""
    bench.seal(5)
    bench.service.refuses = lambda _: Throttled("slow down")
    bench.run(3600)
    bench.service.refuses = lambda _: None
    bench.publisher.turn(HOST, is_draining=True)
    assert len(bench.service.held) == 1


def test_a_lost_answer_doubles_at_most_its_request_and_is_counted(bench: Bench) -> None:
    """Twice only where an answer was lost after acceptance: that request, counted."""
    bench.seal(5, "a", "b")
    bench.service.loses_answers = True
    bench.publisher.turn(HOST)
    bench.service.loses_answers = False
    bench.run(10)
    assert sorted(name for name, _ in bench.service.held) == ["a", "a", "b", "b"]
    assert bench.spool.counters()[RESENT] == 2


def test_poison_is_found_and_everything_else_goes_through(bench: Bench) -> None:
    """When CloudWatch calls a request invalid, only the datum that is to blame is dropped, and counted."""
    bench.seal(9, *(f"m{number}" for number in range(40)))
    bench.seal(8, *(f"m{number}" for number in range(13)), "poison", *(f"n{number}" for number in range(20)))
    bench.seal(7, "m")
    bench.service.refuses = lambda data: Rejected("bad") if any(name == "poison" for name, _ in data) else None
    bench.run(60)
    assert len(bench.service.held) == len(set(bench.service.held)) == 40 + 33 + 1
    assert bench.spool.counters()[DROPPED + "refused"] == 1
    assert bench.spool.waiting.data_count == 0


@pytest.mark.parametrize("oldest", [("poison",), ("poison", "m1", "m2")])
def test_poison_that_is_the_oldest_holds_up_nothing(bench: Bench, oldest: tuple[str, ...]) -> None:
    """A datum that is refused by itself before anything else was tried is found all the same: others are tried."""
    bench.seal(9, *oldest)
    bench.seal(8, "good")
    bench.service.refuses = lambda data: Rejected("bad") if any(name == "poison" for name, _ in data) else None
    bench.run(120)
    assert {name for name, _ in bench.service.held} == {*oldest, "good"} - {"poison"}
    assert bench.spool.counters()[DROPPED + "refused"] == 1
    assert bench.spool.waiting.data_count == 0


def test_a_long_refusal_of_everything_takes_few_chunks_apart(bench: Bench) -> None:
    """While everything is refused the search for the one to blame ends: a spool of single data would be huge."""
    for minutes_ago in range(60, 0, -1):
        bench.seal(minutes_ago, *(f"m{number}" for number in range(100)))
    bench.service.refuses = lambda _: Rejected("no such namespace")
    bench.run(86400)
    assert bench.spool.waiting.chunk_count < 60 + 1100
    assert bench.spool.counters()[DROPPED + "refused"] == 0


def test_nothing_is_dropped_while_everything_is_refused(bench: Bench) -> None:
    """When the fault lies in what all data have in common, they wait until it is mended."""
    bench.seal(9, "a", "b", "c")
    bench.seal(8, "d")
    bench.service.refuses = lambda _: Rejected("no such namespace")
    bench.run(600)
    assert bench.spool.counters()[DROPPED + "refused"] == 0
    assert bench.publisher.progress.error is not None
    bench.service.refuses = lambda _: None
    bench.run(70)
    assert sorted(name for name, _ in bench.service.held) == ["a", "b", "c", "d"]


def test_what_is_too_old_is_counted(bench: Bench) -> None:
    """After more than two weeks away CloudWatch takes it no more: it is dropped by reason, the rest goes through."""
    bench.seal(OLDEST_S / MINUTE_S + 1, "old", "older")
    bench.seal(OLDEST_S / MINUTE_S - 1, "just")
    bench.run(5)
    assert [name for name, _ in bench.service.held] == ["just"]
    assert bench.spool.counters()[DROPPED + "too_old"] == 2


def test_a_clock_that_is_wrong_drops_nothing(bench: Bench) -> None:
    """Set weeks ahead, the clock takes all that waits for old; AWS refuses its requests, so it is not believed."""
    for minutes_ago in (9, 8, 7):
        bench.seal(minutes_ago, "a")
    bench.service.refuses = lambda _: AccessDenied("Signature expired")
    bench.run(5)
    bench.clock.wall += 20 * 86400
    bench.run(300)
    bench.clock.wall -= 20 * 86400
    bench.service.refuses = lambda _: None
    bench.run(120)
    assert len(bench.service.held) == 3


def test_what_is_stamped_weeks_ahead_is_counted(bench: Bench) -> None:
    """A time that comes in 2099 is none: its datum is dropped by reason and not kept until then."""
    bench.seal(-60 * 24 * 15, "absurd")
    bench.seal(1, "now")
    bench.run(5)
    assert bench.spool.counters()[DROPPED + "too_new"] == 1
    assert bench.spool.waiting.data_count == 0


def test_what_is_too_new_waits_for_its_time(bench: Bench) -> None:
    """When the clock jumped ahead and back, no datum is refused for ever: what was stamped ahead is sent later."""
    bench.seal(-(NEWEST_S + 600) / MINUTE_S, "ahead")
    bench.seal(1, "now")
    bench.run(5)
    assert [name for name, _ in bench.service.held] == ["now"]
    bench.clock.advance(900)
    bench.run(5)
    assert [name for name, _ in bench.service.held] == ["now", "ahead"]


def test_a_crash_between_sending_and_booking_repeats_that_request(bench: Bench) -> None:
    """Killed after CloudWatch took a request and before it was booked: that one is sent again, and counted."""
    bench.seal(5, "a")
    bench.spool.begin(bench.spool.chunks(0, int(bench.clock.wall * 1000), 9))
    bench.publisher = bench.born()
    bench.run(3)
    assert len(bench.service.held) == 1
    assert bench.spool.counters()[RESENT] == 1


def test_what_could_not_be_booked_is_not_sent_again(bench: Bench) -> None:
    """When the store can't be written after acceptance, booking is repeated, not the request."""
    bench.seal(5, "a")
    real = bench.spool

    class Failing(MetricSpool):
        fails = True

        def __init__(self) -> None:
            self.__dict__.update(real.__dict__)

        def accepted(self, chunks: object) -> None:
            if Failing.fails:
                raise StateError("disk full")
            real.accepted(chunks)  # type: ignore[arg-type]

    bench.spool = Failing()
    bench.publisher = bench.born()
    for _ in range(3):
        with pytest.raises(StateError):
            bench.publisher.turn(HOST)
        bench.clock.advance(1)
    Failing.fails = False
    bench.run(3)
    assert bench.service.requests == 1
    assert real.waiting.data_count == 0


def test_unreadable_chunks_are_counted(bench: Bench) -> None:
    """A chunk that was damaged on the disk holds up no other."""
    period_ms = bench.seal(5, "a")
    bench.seal(4, "b")
    (whole,) = bench.spool.chunks(period_ms, period_ms + 1, 1)
    bench.spool.divide(whole, [type(whole)(period_ms, 1, b"nonsense")])
    bench.run(5)
    assert [name for name, _ in bench.service.held] == ["b"]
    assert bench.spool.counters()[DROPPED + "refused"] == 1
