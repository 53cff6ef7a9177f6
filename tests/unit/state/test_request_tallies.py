"""Tallies in the store: there with their batch, gone with what they became."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import StateError
from vawsum_agent.state.log_batches import BatchRecord, LogBatches
from vawsum_agent.state.log_files import LogFiles
from vawsum_agent.state.log_records import Fingerprint, Marker
from vawsum_agent.state.request_tallies import RequestTallies, add_tallies, delete_tallies
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
