"""Tallies in the store: there with their batch, gone with what they became."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import StateError
from vawsum_agent.state.log_batches import BatchRecord, LogBatches
from vawsum_agent.state.log_files import LogFiles
from vawsum_agent.state.log_records import Fingerprint, Marker
from vawsum_agent.state.request_tallies import DROPPED_TALLIES, RequestTallies, add_tallies, delete_tallies
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that is empty."""
    store = Store.open(tmp_path / "state.db", SystemClock())
    yield store
    store.close()


def recorded_batch(store: Store) -> int:
    """Record a batch of a file; returns its id."""
    fingerprint = Fingerprint(1, 2, 0, "")
    file = LogFiles(store).add(
        source="s", path="/x", fingerprint=fingerprint, start_offset=0, initial_size=0, modified_at=0.0
    )
    record = BatchRecord(file.file_id, "g", "s", 0, 9, 1, 2, b"[1,0,[]]", "d", Marker(1, "m"), 0.0)
    return LogBatches(store).record(record)


def test_a_batch_is_booked_with_its_tallies(store: Store) -> None:
    """Checkpoint, ledger and tallies move in one transaction."""
    tallies = RequestTallies(store)
    batch_id = recorded_batch(store)
    assert tallies.before(2**62) == []
    assert LogBatches(store).accept(batch_id, 9, {}, [(60_000, b"a"), (0, b"b")]) == 9
    assert [(row.minute_ms, row.body) for row in tallies.before(2**62)] == [(0, b"b"), (60_000, b"a")]


def test_no_booking_without_tallies_and_no_tallies_without_booking(store: Store) -> None:
    """When the tallies can't be written nothing is, and booking again writes all of it once."""
    tallies, batches = RequestTallies(store), LogBatches(store)
    batch_id = recorded_batch(store)
    with pytest.raises(StateError):
        batches.accept(batch_id, 9, {}, [(0, b"a"), (None, b"b")])  # type: ignore[list-item]
    assert tallies.before(2**62) == []
    assert store.read("SELECT checkpoint FROM log_file")[0]["checkpoint"] == 0
    batches.accept(batch_id, 9, {}, [(0, b"a")])
    assert [row.body for row in tallies.before(2**62)] == [b"a"]


def test_reading_is_by_minute_and_bounded(store: Store) -> None:
    """Only minutes before the one named, earliest first, and no more than asked for."""
    tallies = RequestTallies(store)
    store.write(lambda db: add_tallies(db, [(60_000, b"b"), (0, b"a"), (120_000, b"d"), (60_000, b"c")]))
    assert [row.body for row in tallies.before(120_000)] == [b"a", b"b", b"c"]
    assert [row.body for row in tallies.before(120_000, limit=2)] == [b"a", b"b"]


def test_deleting_is_the_callers_transaction(store: Store) -> None:
    """Tallies go when what they became is written, and stay when that fails."""
    tallies = RequestTallies(store)
    store.write(lambda db: add_tallies(db, [(0, b"a"), (0, b"b")]))
    first, second = tallies.before(1)

    def fail(db: sqlite3.Connection) -> None:
        delete_tallies(db, [first.tally_id])
        raise sqlite3.IntegrityError

    with pytest.raises(StateError):
        store.write(fail)
    assert tallies.before(1) == [first, second]
    store.write(lambda db: delete_tallies(db, [first.tally_id]))
    assert tallies.before(1) == [second]


def test_tallies_that_nobody_takes_are_bounded_and_counted(store: Store) -> None:
    """Where metrics can't start, those of the earliest minutes make room, however they came; the rest stays whole."""
    tallies = RequestTallies(store)
    for minute in (9, *range(8), 10):
        store.write(partial(add_tallies, tallies=[(minute * 60_000, b"x" * 936)] * 3, most_bytes=10_000))
    rows = tallies.before(2**62)
    assert [row.minute_ms // 60_000 for row in rows] == [6, 7, 7, 7, 9, 9, 9, 10, 10, 10]
    assert store.counter(DROPPED_TALLIES) == 20


def test_tallies_that_are_taken_make_room(store: Store) -> None:
    """However many come over the years: what was published does not count, nor what was gone already."""
    for _ in range(30):
        store.write(lambda db: add_tallies(db, [(0, b"x" * 936)] * 5, most_bytes=10_000))
        ids = [row.tally_id for row in RequestTallies(store).before(1)]
        store.write(partial(delete_tallies, tally_ids=[*ids, *ids]))
    assert store.counter(DROPPED_TALLIES) == 0
    store.write(lambda db: add_tallies(db, [(0, b"x" * 936)] * 11, most_bytes=10_000))
    assert store.counter(DROPPED_TALLIES) == 1


def test_booking_goes_on_where_tallies_have_no_room(store: Store) -> None:
    """The batch is accepted, and what had no room is told once."""
    batches = LogBatches(store)
    large = [(0, bytes(40 << 20))]
    with capture_logs() as lines:
        for _ in range(3):
            assert batches.accept(recorded_batch(store), 9, {}, large) == 9
    assert [line["event"] for line in lines] == ["request_tallies_dropped"]
    assert store.counter(DROPPED_TALLIES) == 2
