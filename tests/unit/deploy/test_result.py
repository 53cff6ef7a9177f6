"""How a deploy that has ended is told, to people and to machines."""

from __future__ import annotations

from vawsum_agent.cli.deploy_result import document, lines
from vawsum_agent.deploy.machine import End, Phase, Step
from vawsum_agent.deploy.record import Line, Record

NEW, OLD = "20260202T000000Z-2222222", "20260101T000000Z-1111111"


def record(end: End, *notes: tuple[Step, Phase, str], previous: str = OLD, ended_at: float = 160.0) -> Record:
    """One that began at 100."""
    return Record(
        deploy_id="20261129T080000Z-0011aabb",
        app="web",
        kind="start",
        release=NEW,
        previous=previous,
        began_at=100.0,
        ended_at=ended_at,
        end=end,
        lines=[Line(step=step, phase=phase, at=100.0, text=text) for step, phase, text in notes],
    )


def test_deployed_after_a_crash() -> None:
    """It is deployed first of all; what happened on the way is no reason for a failure."""
    told = lines(record(End.DEPLOYED, (Step.RETURN, "interrupted", "the process was killed")))
    assert told[0] == f"deployed: web {NEW} in 1m"
    assert "  but: return interrupted: the process was killed" in told


def test_taken_back() -> None:
    """The first line says what is served, the second why."""
    failed: tuple[Step, Phase, str] = (Step.PROVE, "failed", "404")
    told = lines(record(End.TAKEN_BACK, failed))
    assert told[:2] == [f"TAKEN BACK: web {NEW} in 1m; {OLD} is served as before", "  why: prove failed: 404"]
    first = lines(record(End.TAKEN_BACK, failed, previous=""))
    assert first[0].endswith("; what was there before is served as before")


def test_a_clock_that_was_set_back() -> None:
    """It took no time, and not less than that."""
    assert document(record(End.DEPLOYED, ended_at=-500.0))["duration_s"] == 0.0
