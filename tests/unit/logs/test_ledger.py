"""The byte ledger: read = accepted + dropped + pending, in bytes of the file."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.logs.ledger import Ledger
from vawsum_agent.state.log_records import NO_MARKER, FileRecord, Fingerprint


def record(path: str = "/var/log/x", accepted: int = 0) -> FileRecord:
    """Make a file's record."""
    return FileRecord(1, "s", path, Fingerprint(1, 1, 0, ""), 0, 0, NO_MARKER, 0, 0.0, accepted_bytes=accepted)


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 1000)), max_size=20))
def test_the_books_balance(batches: list[tuple[int, int]]) -> None:
    """Whatever is read and settled, nothing is counted twice or not at all."""
    ledger = Ledger()
    ledger.open(record(accepted=7))
    for length, dropped in batches:
        ledger.read(1, length + dropped)
        ledger.settle(1, length, {"too_new": dropped})
    ledger.read(1, 5)
    row = ledger.rows(0.0)[0]
    accepted = 7 + sum(length for length, _ in batches)
    dropped = sum(dropped for _, dropped in batches)
    assert (row["accepted_bytes"], row["dropped_bytes"], row["pending_bytes"]) == (accepted, dropped, 5)
    assert row["read_bytes"] == accepted + dropped + 5


def test_any_name_can_be_shown() -> None:
    """A file name that is no text does not break the status."""
    ledger = Ledger()
    ledger.open(record("/var/log/\udcff.log"))
    assert b"xff.log" in orjson.dumps(ledger.rows(0.0))


def test_file_that_ended_waits_for_nothing() -> None:
    """What waited when a file was last looked at is no backlog for ever; a row that is closed stays closed."""
    ledger = Ledger()
    ledger.open(record())
    ledger.waiting(1, 500, 3.0)
    assert ledger.totals() == (0, 500, 3.0)
    ledger.ended(1)
    assert ledger.totals() == (0, 0, None)
    ledger.close(1)
    ledger.ended(1)
    assert ledger.rows(0.0) == []


def test_lost_bytes_are_counted() -> None:
    """Bytes that were gone before anybody read them are dropped, with the reason."""
    ledger = Ledger()
    ledger.open(record())
    ledger.lose(1, "truncated", 10)
    row = ledger.rows(0.0)[0]
    assert (row["dropped_by_reason"], row["read_bytes"]) == ({"truncated": 10}, 10)


def test_what_was_dropped_only_grows() -> None:
    """The total that is published goes on across restarts and outlives the rows of files long gone."""
    ledger = Ledger()
    ledger.begin(100)
    ledger.open(record())
    ledger.lose(1, "truncated", 10)
    ledger.read(1, 5)
    ledger.settle(1, 0, {"too_old": 5})
    ledger.close(1)
    assert ledger.dropped_bytes == 115
