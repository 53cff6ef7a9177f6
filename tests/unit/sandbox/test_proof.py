"""The proof finds what is lost, twice, merged, cut or out of order, and only that."""

from __future__ import annotations

import pytest

from sandbox.proof import Proof, prove
from sandbox.records import Event


def arrived(*messages: str, timestamp: int = 1, stream: str = "s") -> list[tuple[str, Event]]:
    """Return events that arrived in one stream at one timestamp."""
    return [(stream, Event(timestamp, message, 0, "")) for message in messages]


def test_everything_once_is_clean() -> None:
    """All ids once, each text as written: nothing to report. A server's own notices don't count."""
    proof = prove({"1": "id=1 a", "2": None}, arrived("id=1 a", "notice: started", "id=2 b"))
    assert proof == Proof(written=2, arrived=2, foreign=["notice: started"])
    assert proof.is_clean


def test_nothing_written_proves_nothing() -> None:
    """An empty run is no success."""
    assert not prove([], []).is_clean


def test_lost_and_twice_are_named() -> None:
    """Every id is counted."""
    proof = prove(["1", "2", "3"], arrived("id=1", "id=3", "id=3"))
    assert (proof.lost, proof.twice) == (["2"], ["3"])
    assert not proof.is_clean


@pytest.mark.parametrize("message", ["id=1 a\nid=2 b", "id=1", "id=1 ab", "id=17 a"])
def test_merged_cut_and_foreign_ids_are_mangled(message: str) -> None:
    """Two ids in one message, another text, or an id never written: all are damage."""
    proof = prove({"1": "id=1 a", "2": "id=2 b"}, arrived(message, "id=2 b"))
    assert proof.mangled == [message]
    assert not proof.is_clean


def test_order_counts_within_a_stream_and_a_timestamp() -> None:
    """The service orders by timestamp; where that is equal, the order of writing has to hold."""
    assert prove(["1", "2", "3"], arrived("id=2", "id=1", "id=3")).out_of_order == 1
    later = arrived("id=2", timestamp=1) + arrived("id=1", timestamp=2)
    assert prove(["1", "2"], later).out_of_order == 0
    elsewhere = arrived("id=2", stream="a") + arrived("id=1", stream="b")
    assert prove(["1", "2"], elsewhere).out_of_order == 0


def test_no_order_is_demanded_between_files_written_at_once() -> None:
    """After a rotation two files grow for a while: order holds within each, and is unknown between them."""
    assert prove(["1", "2", "3"], arrived("id=2", "id=1", "id=3"), parts={"1": 0, "2": 1, "3": 1}).out_of_order == 0
    assert prove(["1", "2", "3"], arrived("id=3", "id=1", "id=2"), parts={"1": 0, "2": 1, "3": 1}).out_of_order == 1


def test_violations_spoil_the_proof() -> None:
    """Everything arrived, but the service had to refuse something: not clean."""
    assert not prove(["1"], arrived("id=1"), violations=1).is_clean
