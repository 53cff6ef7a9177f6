"""Asking a stream what became of requests, over the real journal and what the stream is made to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.aws.logs import StoredEvent
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import NotFound
from vawsum_agent.logs.batch.compose import Composer
from vawsum_agent.logs.batch.layout import Layout, Run
from vawsum_agent.logs.redact import Redactor
from vawsum_agent.logs.ship.asker import Asker
from vawsum_agent.logs.ship.shipment import Batch, Origin, Progress, Shipment
from vawsum_agent.state.log_batches import BatchRecord, LogBatches
from vawsum_agent.state.log_files import LogFiles
from vawsum_agent.state.log_records import NO_MARKER, Fingerprint
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.logs.ship.asker import Answer

NOW_MS = int(SystemClock().now() * 1000)
COMPOSER = Composer("g", "s", Redactor([]))
ORIGIN = Origin(1, "/x", "x", lambda _start, _end: None)


class Stream:
    """A service that holds one stream, or none."""

    def __init__(self, messages: list[str] | None) -> None:
        self._messages = messages

    def events(self, group: str, stream: str, first_ms: int, last_ms: int) -> Iterator[StoredEvent]:
        """Show what the stream holds."""
        assert (group, stream) == ("g", "s")
        assert first_ms <= NOW_MS <= last_ms
        if self._messages is None:
            raise NotFound("no stream")
        return iter([StoredEvent(NOW_MS, message) for message in self._messages])


@pytest.fixture
def journal(tmp_path: Path) -> LogBatches:
    """A journal with one file, whose bytes nobody can read any more."""
    store = Store.open(tmp_path / "state.db", SystemClock())
    LogFiles(store).add(
        source="x", path="/x", fingerprint=Fingerprint(1, 1, 0, ""), start_offset=0, initial_size=0, modified_at=0.0
    )
    return LogBatches(store)


def undecided(block: bytes, *, is_whole: bool = True) -> Shipment:
    """Make a request of lines of one moment."""
    layout = Layout([Run(len(block), NOW_MS)], is_by_line=True)
    batch = Batch(ORIGIN, COMPOSER, 0, len(block), layout.encode(), str, NO_MARKER, 0.0, {})
    request = COMPOSER.compose(block, layout).requests[0]
    batch.shipments.append(Shipment(batch, request, Progress.UNDECIDED, is_whole=is_whole))
    return batch.shipments[0]


def ask(journal: LogBatches, shipment: Shipment, shown: list[str] | None, accepted: bytes | None = None) -> Answer:
    """Ask about one request; ``accepted`` are the bytes of batches that the journal knows as accepted."""
    asker = Asker(Stream(shown), journal, lambda *_: accepted, SystemClock())
    return asker.ask([shipment])[0]


def accept(journal: LogBatches, block: bytes) -> None:
    """Have the journal know an accepted batch of the same moment."""
    layout = Layout([Run(len(block), NOW_MS)], is_by_line=True).encode()
    batch_id = journal.record(BatchRecord(1, "g", "s", 0, len(block), NOW_MS, NOW_MS, layout, "", NO_MARKER, 0.0))
    journal.accept(batch_id, len(block), {})


def test_a_request_arrives_whole_or_not_at_all(journal: LogBatches) -> None:
    """One line of it missing, all is missing: the line that is there was another batch's and is alike."""
    assert ask(journal, undecided(b"alike\nown\n"), ["alike"]).missing == [0, 1]
    assert ask(journal, undecided(b"alike\nown\n"), ["alike", "own"]).missing == []
    assert ask(journal, undecided(b"alike\nown\n"), None).missing == [0, 1]


def test_a_divided_request_may_arrive_in_part(journal: LogBatches) -> None:
    """What arrived of it is not sent again, and what is known to have arrived vouches for nothing else."""
    divided = undecided(b"one\ntwo\ntwo\n", is_whole=False)
    assert ask(journal, divided, ["one", "two"]).missing == [2]
    divided.delivered.append((NOW_MS, "two"))
    assert ask(journal, divided, ["one", "two"]).missing == [1, 2]


def test_siblings_of_the_same_batch_are_taken_into_account(journal: LogBatches) -> None:
    """A line that an accepted request of the same batch put there does not vouch for its twin in the next."""
    shipment = undecided(b"alike\n")
    settled = Shipment(shipment.batch, shipment.request, Progress.SETTLED)
    shipment.batch.shipments.append(settled)
    assert ask(journal, shipment, ["alike"]).missing == [0]
    assert ask(journal, shipment, ["alike", "alike"]).missing == []


def test_accepted_batches_are_taken_into_account(journal: LogBatches) -> None:
    """Identical lines of an accepted batch vouch for nothing, and least where its bytes can't be read again."""
    accept(journal, b"alike\n")
    assert ask(journal, undecided(b"alike\n"), ["alike"], accepted=b"alike\n").missing == [0]
    assert ask(journal, undecided(b"alike\n"), ["alike", "alike"], accepted=b"alike\n").missing == []
    assert ask(journal, undecided(b"alike\n"), ["alike"]).missing == [0]
    assert ask(journal, undecided(b"alike\nown\n"), ["alike", "own"]).missing == []


def test_division_outlives_a_crash(journal: LogBatches) -> None:
    """After a crash in the middle of dividing, the journal says so."""
    record = BatchRecord(1, "g", "s", 0, 4, NOW_MS, NOW_MS, b"", "", NO_MARKER, 0.0)
    batch_id = journal.record(record)
    journal.record_division(batch_id)
    journal.record_attempt(batch_id, 1.0)
    assert [(batch.is_divided, batch.is_accepted) for batch in journal.of_file(1)] == [(True, False)]
