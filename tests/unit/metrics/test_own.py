"""What the agent tells of itself: what its components put into their status, and nothing else."""

from __future__ import annotations

from tests.unit.metrics.clocks import HandClock
from vawsum_agent.core.board import StatusBoard
from vawsum_agent.core.component import ComponentStatus, State
from vawsum_agent.metrics.own import METRICS, AgentSource


def test_measures_are_published_as_long_as_they_are_told() -> None:
    """Each measure of a component becomes a reading or a total; one that is not told is none, and never a 0."""
    clock, board = HandClock(), StatusBoard()
    source = AgentSource(board, clock)
    told = {"vawsum_images_pending": 12.0, "vawsum_log_dropped_bytes": 7.0, "something_else": 1.0}
    board.post(clock.now(), [ComponentStatus("images", State.RUNNING, 0.0, measures=told)])
    collected = source.collect()
    assert {reading.name: reading.value for reading in collected.gauges} == {
        "vawsum_heartbeat": 1.0,
        "vawsum_images_pending": 12.0,
    }
    assert collected.counters == {"vawsum_log_dropped_bytes": 7.0}
    board.post(clock.now(), [ComponentStatus("images", State.RUNNING, 0.0)])
    assert [reading.name for reading in source.collect().gauges] == ["vawsum_heartbeat"]


def test_catalogue_has_each_measure() -> None:
    """A measure that the catalogue does not know would be told to nobody."""
    assert {metric.name for metric in METRICS} >= {"vawsum_images_pending", "vawsum_log_oldest_unsent_seconds"}
