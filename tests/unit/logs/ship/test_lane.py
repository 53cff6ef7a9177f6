"""Which shipments of one stream may travel at the same time."""

from __future__ import annotations

import random

from vawsum_agent.core.errors import Throttled
from vawsum_agent.logs.batch.compose import Composer
from vawsum_agent.logs.batch.layout import Layout
from vawsum_agent.logs.batch.request import Request
from vawsum_agent.logs.redact import Redactor
from vawsum_agent.logs.ship.destination import Destination
from vawsum_agent.logs.ship.lane import Lane
from vawsum_agent.logs.ship.shipment import Batch, Origin, Progress, Shipment
from vawsum_agent.state.log_records import NO_MARKER

FILE = Origin(1, "/x", "x", lambda _start, _end: None)


def batch(first_ms: int, last_ms: int) -> Batch:
    """Make a batch of one request over a span of time."""
    made = Batch(
        FILE, Composer("g", "s", Redactor([])), 0, 10, Layout([], is_by_line=True).encode(), str, NO_MARKER, 0.0, {}
    )
    made.shipments.append(Shipment(made, Request([], 1, 10, first_ms, last_ms)))
    return made


def lane_of(*batches: Batch) -> Lane:
    """Queue batches."""
    lane = Lane("s", Destination("g", random.Random(1)))
    for one in batches:
        lane.add(one)
    return lane


def test_batches_that_share_no_time_travel_together() -> None:
    """The service orders by time, so these arrive in order whichever is first."""
    one, two = batch(0, 999), batch(1000, 1999)
    lane = lane_of(one, two)
    one.shipments[0].progress = Progress.SENDING
    assert lane.next_sendable() is two.shipments[0]


def test_batch_that_shares_a_moment_waits() -> None:
    """Lines of one second can't overtake each other, also when the first of them failed or is undecided."""
    one, two = batch(0, 1000), batch(1000, 1999)
    lane = lane_of(one, two)
    for progress in (Progress.SENDING, Progress.UNDECIDED):
        one.shipments[0].progress = progress
        assert lane.next_sendable() is None
    one.shipments[0].progress = Progress.SETTLED
    assert lane.next_sendable() is two.shipments[0]


def test_only_what_never_left_is_taken_back() -> None:
    """A batch of which anything may have arrived stays."""
    one, two, three = batch(0, 1), batch(2, 3), batch(4, 5)
    lane = lane_of(one, two, three)
    one.shipments[0].progress = Progress.UNDECIDED
    assert lane.take_back() == [three, two]
    assert lane.destination.used_bytes == one.length


def test_failing_destination_is_tried_by_one_request_after_its_backoff() -> None:
    """Backoff grows with each failure and ends with the first success."""
    destination = Destination("g", random.Random(1))
    assert destination.may_send(0.0)
    waits = []
    for _ in range(12):
        destination.failed(Throttled("slow down"), 100.0)
        waits.append(destination.not_before - 100.0)
        assert not destination.may_send(100.0)
    assert waits[0] < 0.3
    assert 15.0 <= waits[-1] <= 30.0
    destination.in_flight = 1
    assert not destination.may_send(1000.0)
    destination.succeeded()
    assert destination.may_send(0.0)
