"""Rows are counted once, and again when the server was gone."""

from __future__ import annotations

from vawsum_agent.backup.manifest import Frame
from vawsum_agent.backup.restore.counts import Counts
from vawsum_agent.backup.restore.meter import Meter
from vawsum_agent.core.errors import AgentError


def _frame(name: str, rows: int | None, offset: int = 0) -> Frame:
    return Frame(kind="table", offset=offset, size_bytes=1, raw_bytes=10, database="d", name=name, rows=rows)


def test_what_was_counted_is_not_counted_again() -> None:
    """A table is asked for once; one that differs then is no loss: it is told of in the report."""
    asked = []

    def count(frame: Frame) -> int:
        asked.append(frame.name)
        return 2

    counts = Counts(count, 2)
    counts.take(_frame("t", 3))
    assert counts.lost([_frame("t", 3)]) == []
    assert counts.of(_frame("t", 3)) == 2
    assert asked == ["t"]


def test_a_server_that_was_gone_may_have_lost_tables() -> None:
    """All is counted again, and what has not the rows it had is named."""
    rows = {"t": 3, "u": 5}
    counts = Counts(lambda frame: rows[frame.name], 2)
    frames = [_frame("t", 3), _frame("u", 5), _frame("v", None)]
    for frame in frames[:2]:
        counts.take(frame)
    counts.forget()
    rows |= {"u": 0, "v": 1}
    assert [frame.name for frame in counts.lost(frames)] == ["u"]


def test_what_can_not_be_counted_stays_uncounted() -> None:
    """A failure is none of the restore's: the table is lost, or told of in the end."""

    def fail(_: Frame) -> int:
        raise AgentError("gone")

    counts = Counts(fail, 1)
    counts.take(_frame("t", 3))
    assert counts.of(_frame("t", 3)) is None
    assert [frame.name for frame in counts.lost([_frame("t", 3)])] == ["t"]


def test_a_table_that_begins_anew_counts_anew() -> None:
    """The bar never shows more than there is."""
    shown: list[int] = []
    meter = Meter(20, lambda _, done, __: shown.append(done))
    first, second = _frame("t", 1, 0), _frame("u", 1, 1)
    meter.phase("tables")
    meter.add(first, 7)
    meter.skip(second)
    meter.restart(first)
    meter.add(first, 10)
    assert shown == [0, 7, 17, 10, 20]
    assert meter.loaded_bytes == 17
