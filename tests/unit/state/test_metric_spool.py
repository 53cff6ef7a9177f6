"""The spool: each reading is in a round or in a chunk, never in both and never in none, and the ledger adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.state.metric_spool import ACCEPTED, DROPPED, REASONS, RESENT, SPOOLED, Chunk, MetricSpool
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

MINUTE = 60_000


def nothing(_db: sqlite3.Connection) -> None:
    """Forget no tallies."""


def opened(folder: Path, limit_bytes: int = 1 << 20) -> MetricSpool:
    """Open the spool of a folder."""
    return MetricSpool(Store.open(folder / "state.db", SystemClock()), limit_bytes)


def balance(spool: MetricSpool) -> int:
    """Tell by how much the ledger is off."""
    counters = spool.counters()
    dropped = sum(counters[DROPPED + reason] for reason in REASONS)
    return counters[SPOOLED] - counters[ACCEPTED] - dropped - spool.waiting.data_count


def test_rounds_become_chunks_at_once(tmp_path: Path) -> None:
    """Sealing puts the chunk in the place of its rounds in one transaction; the baseline stays."""
    spool = opened(tmp_path)
    spool.add_round(1, b"one", b"base-1")
    spool.add_round(2, b"two", b"base-2")
    first, second = spool.rounds()
    spool.seal([Chunk(0, 3, b"sealed")], [first.round_id], nothing)
    assert spool.rounds() == [second]
    assert spool.baseline() == b"base-2"
    assert [(chunk.body, chunk.data_count) for chunk in spool.chunks(0, MINUTE, 9)] == [(b"sealed", 3)]


def test_what_had_no_answer_is_counted_when_it_is_sent_again(tmp_path: Path) -> None:
    """Twice only where an answer was lost: what was begun and has no end is marked, and counted at the next attempt."""
    spool = opened(tmp_path)
    spool.seal([Chunk(0, 5, b"x")], [], nothing)
    spool.begin(spool.chunks(0, MINUTE, 9))
    assert spool.counters()[RESENT] == 0
    after_a_crash = spool.chunks(0, MINUTE, 9)
    assert after_a_crash[0].open_attempts == 1
    spool.begin(after_a_crash)
    spool.begin(spool.chunks(0, MINUTE, 9))
    assert spool.counters()[RESENT] == 5


def test_what_was_provably_refused_is_not_counted_again(tmp_path: Path) -> None:
    """A throttled request was not carried out: sending it again doubles nothing."""
    spool = opened(tmp_path)
    spool.seal([Chunk(0, 5, b"x")], [], nothing)
    chunks = spool.chunks(0, MINUTE, 9)
    spool.begin(chunks)
    spool.not_done(chunks)
    spool.begin(spool.chunks(0, MINUTE, 9))
    assert spool.counters()[RESENT] == 0


def test_the_bound_drops_the_oldest_and_counts_it(tmp_path: Path) -> None:
    """When the spool is full the oldest goes first, however late it was sealed, and is counted."""
    spool = opened(tmp_path, limit_bytes=3500)
    for minute in (5, 1, 9, 7):
        spool.seal([Chunk(minute * MINUTE, 1, bytes(1000))], [], nothing)
    assert [chunk.period_ms // MINUTE for chunk in spool.chunks(0, 99 * MINUTE, 9)] == [5, 7, 9]
    assert spool.counters()[DROPPED + "spool_full"] == 1
    assert balance(spool) == 0


def test_what_is_gone_is_not_counted_twice(tmp_path: Path) -> None:
    """A request that ends after its component was replaced books nothing that another one has booked."""
    spool = opened(tmp_path)
    spool.seal([Chunk(0, 5, b"x")], [], nothing)
    chunks = spool.chunks(0, MINUTE, 9)
    spool.accepted(chunks)
    spool.accepted(chunks)
    assert spool.counters()[ACCEPTED] == 5
    assert balance(spool) == 0


STEPS = st.lists(
    st.tuples(st.sampled_from(["seal", "accept", "drop", "divide", "reopen"]), st.integers(0, 9), st.integers(1, 30)),
    max_size=25,
)


@given(STEPS)
def test_count_in_is_count_out(tmp_path_factory: object, steps: list[tuple[str, int, int]]) -> None:
    """Whatever happens to chunks, spooled = accepted + dropped + waiting, also in the next process."""
    folder = tmp_path_factory.mktemp("spool")  # type: ignore[attr-defined]
    store = Store.open(folder / "state.db", SystemClock())
    spool = MetricSpool(store, 9000)
    for step, minute, count in steps:
        chunks = spool.chunks(minute * MINUTE, 10 * MINUTE, 2)
        if step == "seal":
            spool.seal([Chunk(minute * MINUTE, count, bytes(50 * count))], [], nothing)
        elif step == "accept" and chunks:
            spool.accepted(chunks)
        elif step == "drop" and chunks:
            spool.drop(chunks, "refused")
        elif step == "divide" and chunks and chunks[0].data_count > 1:
            whole = chunks[0]
            spool.divide(whole, [Chunk(whole.period_ms, 1, b"a"), Chunk(whole.period_ms, whole.data_count - 1, b"b")])
        elif step == "reopen":
            before, spool = spool.waiting, MetricSpool(store, 9000)
            assert spool.waiting == before
        assert balance(spool) == 0
    store.close()
