"""Whose store it is: what another instance left behind is not published under this one's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import StateError
from vawsum_agent.state.instance import claim
from vawsum_agent.state.known_files import Known, KnownFiles
from vawsum_agent.state.log_files import LogFiles
from vawsum_agent.state.log_records import Fingerprint
from vawsum_agent.state.metric_spool import DROPPED, OTHER_INSTANCE, Chunk, MetricSpool
from vawsum_agent.state.notifications import MOST_WAITING, Draft, Notifications
from vawsum_agent.state.request_tallies import DROPPED_TALLIES, RequestTallies, add_tallies
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KNOWN = Known("/uploads", b"a.jpg", b"1", "", 1e12)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of one instance, with something of everything in it."""
    store = Store.open(tmp_path / "state.db", SystemClock())
    claim(store, "i-original")
    spool = MetricSpool(store, 1 << 20)
    spool.seal([Chunk(0, 3, b"x"), Chunk(60_000, 4, b"y")], [], lambda _: None)
    spool.add_round(120_000, b"round", b"baseline")
    store.write(lambda db: add_tallies(db, [(0, b"a"), (60_000, b"b")]))
    Notifications(store).record({"logs": b"bad"}, [Draft(1.0, "subject", "body")] * 2)
    KnownFiles(store).remember([KNOWN])
    LogFiles(store).add(
        source="s", path="/x", fingerprint=Fingerprint(1, 2, 0, ""), start_offset=0, initial_size=0, modified_at=0.0
    )
    yield store
    store.close()


def waiting(store: Store) -> tuple[int, int, int, int, int]:
    """How much waits: data, rounds, tallies, notifications, trouble that is remembered."""
    spool, notifications = MetricSpool(store, 1 << 20), Notifications(store)
    return (
        spool.waiting.data_count,
        len(spool.rounds()),
        len(RequestTallies(store).before(2**62)),
        notifications.waiting_count(),
        len(notifications.memories()),
    )


def test_a_clone_drops_counts_and_tells_what_is_another_s(store: Store) -> None:
    """Nothing of it waits any more, and the ledger says where it went. What is of the files stays."""
    with capture_logs() as lines:
        claim(store, "i-clone")
        claim(store, "i-clone")
    assert waiting(store) == (0, 0, 0, 0, 0)
    assert MetricSpool(store, 1 << 20).baseline() is None
    assert store.counter(DROPPED + OTHER_INSTANCE) == 7
    assert store.counter(DROPPED_TALLIES) == 2
    assert Notifications(store).dropped_count() == 2
    assert lines == [
        {
            "event": "clone_noticed",
            "log_level": "warning",
            "owner": "i-original",
            "data": 7,
            "rounds": 1,
            "tallies": 2,
            "notifications": 2,
        }
    ]
    assert len(LogFiles(store).of_source("s")) == 1
    assert KnownFiles(store).verdict(KNOWN.folder, KNOWN.path, KNOWN.fingerprint) == ""


def test_the_same_instance_keeps_all_it_has(store: Store) -> None:
    """A restart, a reboot."""
    with capture_logs() as lines:
        claim(store, "i-original")
    assert waiting(store) == (7, 1, 2, 2, 1)
    assert lines == []


def test_a_store_that_nobody_claimed_is_taken_as_it_is(tmp_path: Path) -> None:
    """Where instance metadata answers for the first time, what waits is this host's own."""
    store = Store.open(tmp_path / "state.db", SystemClock())
    store.write(lambda db: add_tallies(db, [(0, b"a")]))
    with capture_logs() as lines:
        claim(store, "i-1")
    assert waiting(store) == (0, 0, 1, 0, 0)
    assert lines == []
    store.close()


def test_a_claim_that_fails_half_way_is_made_again(store: Store) -> None:
    """It is one transaction: neither is the store claimed nor anything dropped."""
    store.write(lambda db: db.execute("CREATE TRIGGER t BEFORE DELETE ON alert BEGIN SELECT RAISE(ABORT, 'no'); END"))
    with pytest.raises(StateError):
        claim(store, "i-clone")
    assert waiting(store) == (7, 1, 2, 2, 1)
    store.write(lambda db: db.execute("DROP TRIGGER t"))
    claim(store, "i-clone")
    assert waiting(store) == (0, 0, 0, 0, 0)


def test_folded_notifications_count_each(store: Store) -> None:
    """The note that stands for many is many."""
    Notifications(store).record({}, [Draft(1.0, "subject", "body")] * MOST_WAITING)
    claim(store, "i-clone")
    assert Notifications(store).dropped_count() == MOST_WAITING + 2
